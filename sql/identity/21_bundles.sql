-- One row per vendor record (order, event), bundle of identifiers it carries, and order.
insert into identity.work_bundle (stream, source_key, bundle_key, order_key, first_seen_at)
select
    e.stream,
    e.record_key,
    e.identity_key,
    e.order_key,
    min(e.occurred_at)
from identity.work_key as k
inner join staging.order_entry as e on k.stream = e.stream and k.record_key = e.record_key
where e.identity_key is not null
group by e.stream, e.record_key, e.identity_key, e.order_key
union all
select
    e.stream,
    e.record_key,
    e.identity_key,
    null,
    min(e.occurred_at)
from identity.work_key as k
inner join staging.event as e on k.stream = e.stream and k.record_key = e.record_key
where e.identity_key is not null
group by e.stream, e.record_key, e.identity_key
