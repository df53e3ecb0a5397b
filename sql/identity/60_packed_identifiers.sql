-- One row per type of identifier that a limit holds for, and million of them: those in scope as a packed array of big-endian
-- 8-byte integers.
with

linked as (
    select distinct e.identifier_id
    from identity.work_scope as s
    inner join identity.edge as e on s.record_id = e.record_id
    where e.dropped_reason is null or e.refused
)

select
    i.type,
    string_agg(int8send(i.identifier_id), '') as identifiers
from linked as l
inner join identity.identifier as i on l.identifier_id = i.identifier_id
where case when i.type = any(%(named)s::text[]) then i.type = any(%(limited)s::text[]) else %(others)s end
group by i.type, i.identifier_id >> 20
