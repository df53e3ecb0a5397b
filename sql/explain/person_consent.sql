-- One row per purpose with a statement of the person: today's answer, and how many statements say what.
select
    person_consent.purpose,
    person_consent.state,
    deciding.occurred_at,
    deciding.stream,
    count(distinct ledger.consent_id) filter (where ledger.state = 'granted') as granted,
    count(distinct ledger.consent_id) filter (where ledger.state = 'withdrawn') as withdrawn
from consent.person_consent
inner join consent.ledger as deciding on person_consent.consent_id = deciding.consent_id
left join identity.record on person_consent.person_id = record.person_id
left join identity.edge on record.record_id = edge.record_id
left join identity.identifier on edge.identifier_id = identifier.identifier_id
left join consent.ledger
    on
        identifier.type = ledger.identifier_type
        and identifier.value = ledger.identifier_value
        and person_consent.purpose = ledger.purpose
where person_consent.person_id = %(person_id)s
group by person_consent.purpose, person_consent.state, deciding.occurred_at, deciding.stream
order by person_consent.purpose
