-- One row per vendor record, bundle and order that is not known yet.
insert into identity.bundle_row (record_id, stream, source_key, order_key, first_seen_at)
select
    r.record_id,
    w.stream,
    w.source_key,
    w.order_key,
    w.first_seen_at
from identity.work_bundle as w
inner join identity.record as r on w.stream = r.stream and w.bundle_key = r.record_key
where not exists (
    select from identity.bundle_row as b
    where
        b.stream = w.stream
        and b.source_key = w.source_key
        and b.record_id = r.record_id
        and b.order_key is not distinct from w.order_key
)
