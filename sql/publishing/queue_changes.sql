-- One row per record that staging gained or replaced: build_persons drains the queue.
insert into staging.changed_record (stream, record_key, batch_id)
select
    %(stream)s, -- noqa: AL03
    record_key,
    max(batch_id) as batch_id
from candidate
group by record_key
