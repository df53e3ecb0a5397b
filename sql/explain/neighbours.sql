-- One row per person that carries, as some persons do, a value by a link that is dropped on either side: where a chain could
-- go on. Values of very many records are left out: they lead everywhere.
with

dropped as (
    select
        edge.identifier_id,
        edge.dropped_reason
    from identity.record
    inner join identity.edge on record.record_id = edge.record_id
    where record.person_id = any(%(persons)s::uuid[])
),

value as (
    select
        dropped.identifier_id,
        bool_or(dropped.dropped_reason is not null) as dropped_here
    from dropped
    where (
        select count(*)
        from (
            select from identity.edge
            where edge.identifier_id = dropped.identifier_id
            limit %(most)s + 1
        ) as carried
    ) <= %(most)s
    group by dropped.identifier_id
)

select distinct record.person_id
from value
inner join identity.edge on value.identifier_id = edge.identifier_id
inner join identity.record on edge.record_id = record.record_id
where
    (value.dropped_here or edge.dropped_reason is not null)
    and record.person_id is not null
limit %(most)s
