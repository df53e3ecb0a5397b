-- One row per record the source deleted, out of the candidate: nothing in it is to be checked.
-- `candidate` is the stream's candidate table (include/publishing.py names it).
with

gone as (
    delete from candidate
    where deleted
    returning stream, record_key, raw_id, batch_id, payload_hash, changed_at
)

insert into checking.deletion (stream, record_key, raw_id, batch_id, payload_hash, changed_at)
select
    stream,
    record_key,
    raw_id,
    batch_id,
    payload_hash,
    changed_at
from gone
where record_key is not null
on conflict (stream, record_key) do nothing
