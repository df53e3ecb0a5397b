-- One row per entry of an affected event. Staging keeps the source's own identity, so no merge or split can lose an event.
with

fresh as (
    select
        r.person_id,
        e.stream,
        e.record_key,
        e.entry_no,
        e.name,
        e.occurred_at,
        e.amount_minor,
        e.currency,
        e.properties
    from identity.work_event as t
    inner join staging.event as e on t.stream = e.stream and t.record_key = e.record_key
    inner join identity.record as r on e.stream = r.stream and e.identity_key = r.record_key
    where r.person_id is not null
),

gone as (
    delete from profile.person_event as o
    using identity.work_event as t
    where
        o.stream = t.stream
        and o.record_key = t.record_key
        and not exists (
            select
            from staging.event as e
            where
                e.stream = o.stream
                and e.record_key = o.record_key
                and e.entry_no = o.entry_no
                and e.identity_key is not null
        )
)

insert into profile.person_event as o (
    person_id, stream, record_key, entry_no, name, occurred_at, amount_minor, currency, properties
)
select
    person_id, stream, record_key, entry_no, name, occurred_at, amount_minor, currency, properties
from fresh
on conflict (stream, record_key, entry_no) do update
    set
        person_id = excluded.person_id,
        name = excluded.name,
        occurred_at = excluded.occurred_at,
        amount_minor = excluded.amount_minor,
        currency = excluded.currency,
        properties = excluded.properties
    where
    (o.person_id, o.name, o.occurred_at, o.amount_minor, o.currency, o.properties) is distinct from
    (
        excluded.person_id, excluded.name, excluded.occurred_at, excluded.amount_minor, excluded.currency,
        excluded.properties
    )
