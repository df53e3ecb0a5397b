-- One row per bundle of identifiers on tonight's orders and events. Spellings within a bundle differ in case only.
with

carried as (
    select e.stream, e.identity_key, e.email, e.phone, e.phone_country, e.ids, e.occurred_at
    from identity.work_key as k
    inner join staging.order_entry as e on k.stream = e.stream and k.record_key = e.record_key
    union all
    select e.stream, e.identity_key, e.email, e.phone, e.phone_country, e.ids, e.occurred_at
    from identity.work_key as k
    inner join staging.event as e on k.stream = e.stream and k.record_key = e.record_key
)

insert into identity.work_source
(shape, stream, record_key, first_seen_at, email, phone, phone_country, ids)
select
    'bundle',
    stream,
    identity_key,
    min(occurred_at),
    min(email),
    min(phone),
    min(phone_country),
    min(ids::text)::jsonb
from carried
where identity_key is not null
group by stream, identity_key
