-- One row per person in scope and purpose with any statement. Per identifier the newest statement counts, whichever system
-- took it (a tie: withdrawn); over the identifiers of the person the strictest. Where a limit or a split pin keeps an
-- identifier from a record, both persons have a say: to the record's own person its own statements count; to the person who
-- has the identifier, of those only a "no", because it is the address that said it.
with

carried as (
    select distinct
        a.person_id,
        i.type,
        i.value
    from identity.work_assignment as a
    inner join identity.edge as e on a.record_id = e.record_id and e.dropped_reason is null
    inner join identity.identifier as i on e.identifier_id = i.identifier_id
),

kept_from as (
    select
        a.person_id,
        i.type,
        i.value,
        r.stream,
        r.record_key
    from identity.work_assignment as a
    inner join identity.edge as e on a.record_id = e.record_id and e.dropped_reason is not null and e.refused
    inner join identity.identifier as i on e.identifier_id = i.identifier_id
    inner join identity.record as r on a.record_id = r.record_id
),

said as (
    select
        c.person_id,
        c.type,
        c.value,
        l.purpose,
        l.state,
        l.occurred_at,
        l.consent_id
    from carried as c
    inner join consent.ledger as l on c.type = l.identifier_type and c.value = l.identifier_value
    left join kept_from as k
        on
            l.identifier_type = k.type
            and l.identifier_value = k.value
            and l.stream = k.stream
            and l.record_key = k.record_key
    where
        k.person_id is null
        or l.state = 'withdrawn'
        or k.person_id = c.person_id
    union all
    select
        k.person_id,
        k.type,
        k.value,
        l.purpose,
        l.state,
        l.occurred_at,
        l.consent_id
    from kept_from as k
    inner join consent.ledger as l
        on
            k.type = l.identifier_type
            and k.value = l.identifier_value
            and k.stream = l.stream
            and k.record_key = l.record_key
),

newest as (
    select distinct on (person_id, type, value, purpose)
        person_id,
        purpose,
        state,
        occurred_at,
        consent_id
    from said
    order by person_id, type, value, purpose, occurred_at desc, state desc, consent_id
),

answer as (
    select distinct on (person_id, purpose)
        person_id,
        purpose,
        state,
        consent_id
    from newest
    order by person_id, purpose, state desc, occurred_at desc, consent_id
),

gone as (
    delete from consent.person_consent as o
    using (
        select person_id from identity.work_former
        union
        select person_id from identity.work_assignment
    ) as p
    where
        o.person_id = p.person_id
        and not exists (
            select from answer as a
            where
                a.person_id = o.person_id
                and a.purpose = o.purpose
        )
)

insert into consent.person_consent as o (person_id, purpose, state, consent_id)
select
    person_id,
    purpose,
    state,
    consent_id
from answer
on conflict (person_id, purpose) do update
    set
        state = excluded.state,
        consent_id = excluded.consent_id
    where (o.state, o.consent_id) is distinct from (excluded.state, excluded.consent_id)
