-- One row per million records: the links of all records as two packed arrays of big-endian 8-byte integers, in one order.
select
    string_agg(int8send(record_id), '') as records,
    string_agg(int8send(identifier_id), '') as identifiers
from identity.edge
where dropped_reason is null or refused
group by record_id >> 20
