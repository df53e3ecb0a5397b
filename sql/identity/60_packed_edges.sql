-- One row per million records: their links as two packed arrays of big-endian 8-byte integers, in one order.
select
    string_agg(int8send(e.record_id), '') as records,
    string_agg(int8send(e.identifier_id), '') as identifiers
from identity.work_scope as s
inner join identity.edge as e on s.record_id = e.record_id
where e.dropped_reason is null or e.refused
group by s.record_id >> 20
