-- Forget which bundle a changed vendor record carried, where it no longer does; its order is to be summed anew.
with

gone as (
    delete from identity.bundle_row as b
    using identity.work_key as k, identity.record as r
    where
        b.stream = k.stream
        and b.source_key = k.record_key
        and r.record_id = b.record_id
        and not exists (
            select from identity.work_bundle as w
            where
                w.stream = b.stream
                and w.source_key = b.source_key
                and w.bundle_key = r.record_key
                and w.order_key is not distinct from b.order_key
                and w.first_seen_at = b.first_seen_at
        )
    returning b.stream, b.order_key
)

insert into identity.work_order (stream, order_key)
select distinct
    stream,
    order_key
from gone
where order_key is not null
