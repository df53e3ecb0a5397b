-- One row per abandoned checkout: the cart that was left, when it was begun. One that was completed after all is named
-- cart_recovered, with the time in properties.completed_at: its order may come under another identifier, or much later.
with

picked as materialized (
    select
        n.stream,
        n.record_key,
        n.raw_id,
        n.batch_id,
        n.payload_hash,
        n.payload,
        staging.pick(n.payload, %(changed_at)s::text[], %(changed_at_else)s::text[]) as changed_at,
        staging.pick(n.payload, %(occurred_at)s::text[], %(occurred_at_else)s::text[]) as occurred_at,
        staging.pick(n.payload, %(email)s::text[], %(email_else)s::text[]) as email,
        staging.pick(n.payload, %(phone)s::text[], %(phone_else)s::text[]) as phone,
        staging.pick(n.payload, %(phone_country)s::text[], %(phone_country_else)s::text[]) as phone_country,
        staging.pick(n.payload, %(amount)s::text[], %(amount_else)s::text[]) as amount,
        staging.pick(n.payload, %(currency)s::text[], %(currency_else)s::text[]) as currency,
        staging.read_ids(n.payload, %(ids)s::jsonb) as ids
    from staging.newest(%(stream)s, %(batch_ids)s::bigint[]) as n
),

cast_row as (
    select
        stream,
        record_key,
        raw_id,
        batch_id,
        payload_hash,
        payload,
        changed_at as raw_changed_at,
        staging.read_time(changed_at, %(constant_timezone)s::text) as changed_at,
        occurred_at as raw_occurred_at,
        staging.read_time(occurred_at, %(constant_timezone)s::text) as occurred_at,
        email,
        phone,
        coalesce(staging.read_country(phone_country, %(countries)s::jsonb), %(constant_phone_country)s::text) as phone_country,
        ids,
        amount as raw_amount,
        staging.read_number(amount, %(constant_decimal)s::text) as amount,
        coalesce(currency, %(constant_currency)s::text) as raw_currency,
        staging.read_currency(coalesce(currency, %(constant_currency)s::text)) as currency
    from picked
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
    case when payload ->> 'completedAt' is null then 'cart_abandoned' else 'cart_recovered' end as name,
    occurred_at,
    email,
    phone,
    phone_country,
    ids,
    staging.to_minor(amount, currency) as amount_minor,
    currency,
    jsonb_strip_nulls(jsonb_build_object('completed_at', payload -> 'completedAt')) as properties,
    array_remove(array[
        case when raw_changed_at is not null and changed_at is null then 'changed_at' end,
        case when raw_occurred_at is not null and occurred_at is null then 'occurred_at' end,
        case when raw_amount is not null and amount is null then 'amount_minor' end,
        case when raw_currency is not null and currency is null then 'currency' end
    ], null) as bad_casts
from cast_row
