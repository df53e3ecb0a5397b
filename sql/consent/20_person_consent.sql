-- One row per person in scope and purpose with any statement. Per identifier the newest statement counts, whichever system
-- took it (a tie: withdrawn); over the identifiers of the person the strictest.
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

newest as (
    select distinct on (c.person_id, c.type, c.value, l.purpose)
        c.person_id,
        l.purpose,
        l.state,
        l.occurred_at,
        l.consent_id
    from carried as c
    inner join consent.ledger as l on c.type = l.identifier_type and c.value = l.identifier_value
    order by c.person_id, c.type, c.value, l.purpose, l.occurred_at desc, l.state desc, l.consent_id
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
