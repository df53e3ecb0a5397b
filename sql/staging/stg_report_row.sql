-- One row per day and combination of dimensions of any report: the newest version that landed in the given batches. A metric
-- that is no number is left out and named in bad_casts. `lacks` is what the source says its report does not show. A row the
-- source no longer has gives none.
with

picked as materialized (
    select
        n.stream,
        n.record_key,
        n.raw_id,
        n.batch_id,
        n.payload_hash,
        staging.pick(n.payload, %(changed_at)s::text[], %(changed_at_else)s::text[]) as changed_at,
        staging.pick(n.payload, %(on_date)s::text[], %(on_date_else)s::text[]) as on_date,
        coalesce(n.payload #> %(dimensions)s::text[], '{}') as dimensions,
        coalesce(n.payload #> %(metrics)s::text[], '{}') as metrics,
        staging.pick_all(n.payload, coalesce(%(lacks)s::text[], '{-}')) as lacks
    from staging.newest(%(stream)s, %(batch_ids)s::bigint[]) as n
    where lower(staging.pick(n.payload, %(deleted)s::text[], %(deleted_else)s::text[])) is distinct from 'true'
),

metric as (
    select
        p.record_key,
        one.key as name,
        staging.read_number(one.value) as value
    from picked as p
    cross join jsonb_each_text(p.metrics) as one
    where one.value is not null
),

measured as (
    select
        record_key,
        coalesce(jsonb_object_agg(name, value) filter (where value is not null), '{}') as metrics,
        coalesce(array_agg('metrics.' || name order by name) filter (where value is null), '{}') as unreadable
    from metric
    group by record_key
),

cast_row as (
    select
        p.*,
        staging.read_time(p.changed_at, %(constant_timezone)s::text, %(constant_date_order)s::text) as changed,
        -- 20261119, as Google writes days
        staging.read_date(regexp_replace(p.on_date, '^(\d{4})(\d\d)(\d\d)$', '\1-\2-\3'), %(constant_date_order)s::text) as day,
        coalesce(m.metrics, '{}') as numbers,
        coalesce(m.unreadable, '{}') as unreadable
    from picked as p
    left join measured as m on p.record_key = m.record_key
)

select
    stream,
    record_key,
    raw_id,
    batch_id,
    payload_hash,
    changed as changed_at,
    day as on_date,
    dimensions,
    numbers as metrics,
    array_remove(array[
        case when changed_at is not null and changed is null then 'changed_at' end,
        case when on_date is not null and day is null then 'on_date' end
    ], null) || unreadable as bad_casts,
    lacks
from cast_row
