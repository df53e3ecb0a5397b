-- The plan of one audience: desired minus acknowledged. One row per person and set of identifiers that must be removed,
-- added or updated, removals first. Only persons in `concerned` are looked at, which says what is desired of each.
-- Removed is whatever the platform has, or may have (an attempt without an answer), and is not desired.
-- A row the platform refused for good is parked until payload, identifiers or consent change.
-- Within an operation by person: neighbours in the indexes that a delivery writes.
insert into pg_temp.plan_row (
    operation, person_id, identifier_hash, email_key, phone_key, payload_hash, row_hash, membership_id, consent_id,
    segment_version, was_present, own
)
with

desired as (
    select concerned.*
    from pg_temp.concerned
    where
        concerned.wanted
        and not exists (select from identity.redirect where redirect.old_person_id = concerned.person_id)
),

ledger as (
    select
        person_id,
        identifier_hash,
        acknowledged,
        payload_hash,
        consent_id,
        operation,
        attempt_state,
        attempt_payload_hash,
        acknowledged = 'present' or coalesce(attempt_state in ('sent', 'retriable'), false) as may_be_there
    from audience.member
    where
        audience_id = %(audience_id)s
        and person_id in (select concerned.person_id from pg_temp.concerned)
),

compared as (
    select
        case
            when desired.person_id is null then case when ledger.may_be_there then 'remove' end
            when ledger.person_id is null then 'add'
            when
                ledger.attempt_state = 'rejected'
                and ledger.attempt_payload_hash is not distinct from desired.payload_hash
                and ledger.consent_id is not distinct from desired.consent_id
                then null
            when ledger.acknowledged = 'absent' then 'add'
            when ledger.operation = 'remove' and ledger.attempt_state in ('sent', 'retriable') then 'add'
            when ledger.attempt_state in ('sent', 'retriable') then 'update'
            when ledger.payload_hash is distinct from desired.payload_hash then 'update'
        end as operation,
        coalesce(desired.person_id, ledger.person_id) as person_id,
        coalesce(desired.identifier_hash, ledger.identifier_hash) as identifier_hash,
        desired.email_key,
        desired.phone_key,
        desired.payload_hash,
        desired.row_hash,
        desired.membership_id,
        desired.consent_id,
        desired.version as segment_version,
        desired.own,
        coalesce(ledger.acknowledged = 'present', false) as was_present
    from desired
    full join ledger
        on desired.person_id = ledger.person_id and desired.identifier_hash = ledger.identifier_hash
)

select
    operation,
    person_id,
    identifier_hash,
    email_key,
    phone_key,
    payload_hash,
    row_hash,
    membership_id,
    consent_id,
    segment_version,
    was_present,
    own
from compared
where operation is not null
order by case operation when 'remove' then 1 when 'add' then 2 else 3 end, person_id
