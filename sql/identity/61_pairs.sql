-- One row per record and the first record that carries the same value, and per pair of records that a decision links:
-- identifiers leave the graph in one step.
with

linked as (
    select
        e.record_id,
        min(e.record_id) over (partition by e.identifier_id) as first_record_id
    from identity.work_scope as s
    inner join identity.edge as e on s.record_id = e.record_id
    where e.dropped_reason is null or e.refused
)

insert into identity.work_pair (round, a, b)
select
    1,
    first_record_id,
    record_id
from linked
where first_record_id <> record_id
union
select
    1,
    least(record_id, other_record_id),
    greatest(record_id, other_record_id)
from identity.work_link
