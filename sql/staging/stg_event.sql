-- One row per thing that happened, of any source whose records one mapping describes: the newest version that landed in the
-- given batches. What the vendor calls it is looked up in `events_names`; a word that is not there is null, our spelling of
-- it, or no row, by `events_others`. A record the source deleted gives no row.
with

picked as materialized (
    select
        n.stream,
        n.record_key,
        n.raw_id,
        n.batch_id,
        n.payload_hash,
        staging.pick(n.payload, %(events_path)s::text[]) as said,
        staging.pick(n.payload, %(changed_at)s::text[], %(changed_at_else)s::text[]) as changed_at,
        lower(staging.pick(n.payload, %(deleted)s::text[], %(deleted_else)s::text[])) as deleted,
        staging.pick(n.payload, %(occurred_at)s::text[], %(occurred_at_else)s::text[]) as occurred_at,
        staging.pick(n.payload, %(email)s::text[], %(email_else)s::text[]) as email,
        staging.pick(n.payload, %(phone)s::text[], %(phone_else)s::text[]) as phone,
        staging.pick(n.payload, %(phone_country)s::text[], %(phone_country_else)s::text[]) as phone_country,
        staging.pick(n.payload, %(amount)s::text[], %(amount_else)s::text[]) as amount,
        coalesce(
            staging.pick(n.payload, %(currency)s::text[], %(currency_else)s::text[]), %(constant_currency)s::text
        ) as currency,
        staging.read_ids(n.payload, %(ids)s::jsonb) as ids,
        staging.read_properties(n.payload, %(properties)s::jsonb) as properties
    from staging.newest(%(stream)s, %(batch_ids)s::bigint[]) as n
),

cast_row as (
    select
        stream,
        record_key,
        raw_id,
        batch_id,
        payload_hash,
        changed_at as raw_changed_at,
        staging.read_time(changed_at, %(constant_timezone)s::text, %(constant_date_order)s::text) as changed_at,
        coalesce(
            %(events_names)s::jsonb ->> said,
            case when %(events_others)s::text = 'keep' then staging.snake_name(said) end
        ) as name,
        occurred_at as raw_occurred_at,
        staging.read_time(occurred_at, %(constant_timezone)s::text, %(constant_date_order)s::text) as occurred_at,
        email,
        phone,
        coalesce(staging.read_country(phone_country, %(countries)s::jsonb), %(constant_phone_country)s::text) as phone_country,
        ids,
        amount as raw_amount,
        staging.read_number(amount, %(constant_decimal)s::text) as amount,
        currency as raw_currency,
        staging.read_currency(currency) as currency,
        properties
    from picked
    where not coalesce(deleted in ('true', 't', '1', 'yes', 'archived', 'deleted'), false)
)

select
    stream,
    record_key,
    1 as entry_no,
    raw_id,
    batch_id,
    payload_hash,
    staging.bundle_key(email, phone, ids) as identity_key,
    changed_at,
    name,
    occurred_at,
    email,
    phone,
    phone_country,
    ids,
    staging.to_minor(amount, currency) as amount_minor,
    currency,
    properties,
    array_remove(array[
        case when raw_changed_at is not null and changed_at is null then 'changed_at' end,
        case when raw_occurred_at is not null and occurred_at is null then 'occurred_at' end,
        case when raw_amount is not null and amount is null then 'amount_minor' end,
        case when raw_currency is not null and currency is null then 'currency' end
    ], null) as bad_casts
from cast_row
where name is not null or %(events_others)s::text is distinct from 'leave'
