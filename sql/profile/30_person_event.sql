-- One row per entry of a changed event, or of one whose bundle of identifiers changed persons. Staging keeps the source's
-- own identity, so no merge or split can lose an event.
with

affected as (
    select
        stream,
        record_key
    from identity.work_key
    union
    select
        b.stream,
        b.source_key
    from identity.work_scope as s
    left join identity.work_assignment as a on a.record_id = s.record_id
    inner join identity.bundle_row as b on b.record_id = s.record_id
    where
        a.person_id is distinct from s.former_person_id
        and b.order_key is null
),

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
    from affected as t
    inner join staging.event as e on e.stream = t.stream and e.record_key = t.record_key
    inner join identity.record as r on r.stream = e.stream and r.record_key = e.identity_key
    where r.person_id is not null
),

gone as (
    delete from profile.person_event as o
    using affected as t
    where
        o.stream = t.stream
        and o.record_key = t.record_key
        and not exists (
            select from fresh as f
            where
                f.stream = o.stream
                and f.record_key = o.record_key
                and f.entry_no = o.entry_no
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
