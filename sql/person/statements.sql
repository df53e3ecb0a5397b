-- One row per statement of consent made under an identifier of the person, newest first.
select
    ledger.purpose,
    ledger.state,
    ledger.occurred_at,
    ledger.identifier_type || ' ' || ledger.identifier_value as identifier,
    ledger.stream,
    ledger.record_key,
    ledger.text_version,
    ledger.recorded_at,
    ledger.consent_id
from consent.ledger
where
    (ledger.identifier_type, ledger.identifier_value) in (
        select
            identifier.type,
            identifier.value
        from identity.record
        inner join identity.edge on record.record_id = edge.record_id
        inner join identity.identifier on edge.identifier_id = identifier.identifier_id
        where record.person_id = %(person_id)s
    )
order by ledger.occurred_at desc, ledger.consent_id desc
