-- One row per batch, part, object looked into, key and kind of value: in how many records; and, with type `has`, in how many
-- records the object is there. Each record is read once. `containers` are the objects to look into: their number, and their
-- steps from the record. An object with more than `widest` keys is a map, whose keys are data; so is a key that looks like
-- data (`data`: an address, a number, a text). Tombstones and lines that could not be read have no columns.
with

record as (
    select
        r.batch_id,
        r.payload::jsonb as payload
    from raw.record as r
    where
        r.stream = %(stream)s
        and r.batch_id = any(%(batch_ids)s)
    offset 0
),

live as (
    select
        batch_id,
        payload,
        coalesce(payload #>> %(part)s::text[], '') as part
    from record
    where
        not payload ?| '{_deleted,_error}'
        and coalesce(
            lower(staging.pick(payload, %(deleted)s::text[])) not in ('true', 't', '1', 'yes', 'archived', 'deleted'), true
        )
    offset 0
),

container as (
    select
        (one.value ->> 'no')::int as no,
        array(select jsonb_array_elements_text(one.value -> 'steps')) as steps
    from jsonb_array_elements(%(containers)s::jsonb) as one
),

counted as (
    select
        l.batch_id,
        l.part,
        c.no,
        e.name,
        ops.json_kind(e.value) as type,
        count(*) as row_count,
        count(*) filter (where e.place = 1) as first_count
    from live as l
    cross join container as c
    cross join
        lateral jsonb_each(
            case when jsonb_typeof(l.payload #> c.steps) = 'object' then l.payload #> c.steps end
        ) with ordinality as e (name, value, place)
    group by l.batch_id, l.part, c.no, e.name, ops.json_kind(e.value)
),

wide as (
    select
        part,
        no
    from counted
    group by part, no
    having count(distinct name) > %(widest)s
)

select
    batch_id,
    part,
    no,
    name,
    type,
    row_count
from counted
where
    (part, no) not in (select part, no from wide)
    and name !~ %(data)s
union all
select
    batch_id,
    part,
    no,
    null as name,
    case when (part, no) in (select part, no from wide) then 'map' else 'has' end as type,
    sum(first_count)::bigint as row_count
from counted
group by batch_id, part, no
