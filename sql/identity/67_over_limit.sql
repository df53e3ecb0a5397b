-- One row per record of a component that has more values of one type than a limit allows in any span, or that holds two
-- records which a pin parts: only these are stitched link by link.
with

least_limit as (
    select
        r.type,
        min((l ->> 'count')::int) as allowed
    from identity.identifier_rule as r
    cross join lateral jsonb_array_elements(r.limits) as l
    group by r.type
),

ruled as (
    select type from identity.identifier_rule
),

carried as (
    select
        c.root,
        i.type,
        count(distinct e.identifier_id) as found
    from identity.work_component as c
    inner join identity.edge as e on c.record_id = e.record_id
    inner join identity.identifier as i on e.identifier_id = i.identifier_id
    where e.dropped_reason is null or e.refused
    group by c.root, i.type
),

over_limit as (
    select f.root
    from carried as f
    inner join least_limit as l
        on l.type = case when f.type in (select r.type from ruled as r) then f.type else '*' end
    where f.found > l.allowed
    union
    select a.root
    from identity.work_split as s
    inner join identity.work_component as a on s.record_id = a.record_id
    inner join identity.work_component as b on s.other_record_id = b.record_id
    where a.root = b.root
)

insert into identity.work_limited (record_id, island_id)
select
    c.record_id,
    c.root
from over_limit as o
inner join identity.work_component as c on o.root = c.root
