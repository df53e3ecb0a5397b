-- One row per deal of any source whose records one mapping describes: the newest version that landed in the given batches.
-- A deal is open until the source says that it is closed; then it is won or lost. A deal the source deleted gives no row.
with

picked as materialized (
    select
        n.stream,
        n.record_key,
        n.raw_id,
        n.batch_id,
        n.payload_hash,
        staging.pick(n.payload, %(created_at)s::text[], %(created_at_else)s::text[]) as created_at,
        staging.pick(n.payload, %(changed_at)s::text[], %(changed_at_else)s::text[]) as changed_at,
        lower(staging.pick(n.payload, %(deleted)s::text[], %(deleted_else)s::text[])) as deleted,
        staging.pick(n.payload, %(name)s::text[], %(name_else)s::text[]) as name,
        staging.pick(n.payload, %(pipeline)s::text[], %(pipeline_else)s::text[]) as pipeline,
        staging.pick(n.payload, %(stage)s::text[], %(stage_else)s::text[]) as stage,
        staging.pick(n.payload, %(is_closed)s::text[], %(is_closed_else)s::text[]) as is_closed,
        staging.pick(n.payload, %(is_won)s::text[], %(is_won_else)s::text[]) as is_won,
        staging.pick(n.payload, %(amount)s::text[], %(amount_else)s::text[]) as amount,
        coalesce(
            staging.pick(n.payload, %(currency)s::text[], %(currency_else)s::text[]), %(constant_currency)s::text
        ) as currency,
        staging.pick(n.payload, %(closes_on)s::text[], %(closes_on_else)s::text[]) as closes_on,
        staging.pick(n.payload, %(company_key)s::text[], %(company_key_else)s::text[]) as company_key,
        staging.pick_all(n.payload, %(person_keys)s::text[]) as person_keys
    from staging.newest(%(stream)s, %(batch_ids)s::bigint[]) as n
),

cast_row as (
    select
        *,
        staging.read_time(created_at, %(constant_timezone)s::text, %(constant_date_order)s::text) as created,
        staging.read_time(changed_at, %(constant_timezone)s::text, %(constant_date_order)s::text) as changed,
        staging.read_flag(is_closed) as closed,
        staging.read_flag(is_won) as won,
        staging.read_number(amount, %(constant_decimal)s::text) as amount_number,
        staging.read_currency(currency) as read_currency,
        staging.read_date(closes_on, %(constant_date_order)s::text) as closing_on
    from picked
    where not coalesce(deleted in ('true', 't', '1', 'yes', 'archived', 'deleted'), false)
)

select
    stream,
    record_key,
    raw_id,
    batch_id,
    payload_hash,
    created as created_at,
    changed as changed_at,
    name,
    pipeline,
    stage,
    case when won then 'won' when closed then 'lost' else 'open' end as state,
    staging.to_minor(amount_number, read_currency) as amount_minor,
    read_currency as currency,
    closing_on as closes_on,
    case when company_key is not null then %(constant_company_stream)s::text end as company_stream,
    company_key,
    case when person_keys <> '{}' then %(constant_person_stream)s::text end as person_stream,
    person_keys,
    array_remove(array[
        case when created_at is not null and created is null then 'created_at' end,
        case when changed_at is not null and changed is null then 'changed_at' end,
        case when is_closed is not null and closed is null then 'state' end,
        case when is_won is not null and won is null then 'state' end,
        case when amount is not null and amount_number is null then 'amount_minor' end,
        case when currency is not null and read_currency is null then 'currency' end,
        case when closes_on is not null and closing_on is null then 'closes_on' end
    ], null) as bad_casts
from cast_row
