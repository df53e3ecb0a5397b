-- One row per record named: what it is and whose.
select
    record_id,
    shape,
    stream,
    record_key,
    first_seen_at,
    withdrawn_at,
    person_id
from identity.record
where record_id = any(%(records)s::bigint[])
