-- One row per purpose with a statement: today's answer and the statement that decides it.
select
    person_consent.purpose,
    person_consent.state,
    ledger.identifier_type || ' ' || ledger.identifier_value as decided_by,
    ledger.occurred_at,
    ledger.stream,
    ledger.record_key,
    ledger.text_version,
    ledger.consent_id
from consent.person_consent
inner join consent.ledger on person_consent.consent_id = ledger.consent_id
where person_consent.person_id = %(person_id)s
order by person_consent.purpose
