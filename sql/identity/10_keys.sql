-- One row per vendor record that staging gained, changed or lost: drains the queue.
with

drained as (
    delete from staging.changed_record
    returning stream, record_key
)

insert into identity.work_key (stream, record_key)
select distinct
    stream,
    record_key
from drained
