-- One row per record of the person.
select
    stream,
    record_key,
    shape,
    first_seen_at,
    withdrawn_at
from identity.record
where person_id = %(person_id)s
order by first_seen_at, stream, record_key
