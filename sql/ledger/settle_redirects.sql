-- Rows of merged persons move to today's person, so that a merge is never a removal and an addition. Where today's
-- person has the same identifiers already, the two rows become one: present if either was, an open attempt survives.
with

moved as (
    delete from audience.member
    using identity.redirect
    where member.audience_id = %(audience_id)s and member.person_id = redirect.old_person_id
    returning member.*, redirect.person_id as today_person_id
),

one_each as (
    select distinct on (moved.today_person_id, moved.identifier_hash) moved.*
    from moved
    order by
        moved.today_person_id,
        moved.identifier_hash,
        (moved.acknowledged = 'present') desc,
        (moved.attempt_state in ('sent', 'retriable')) desc nulls last
)

insert into audience.member as kept (
    audience_id, person_id, identifier_hash, acknowledged, sent_identifiers, email_key, phone_key, payload_hash, membership_id,
    consent_id, acknowledged_at, confirmed_at, operation, attempt_state, batch_id, tries, error_class, error_code,
    error_text, opened_at, attempt_identifiers, attempt_payload_hash
)
select
    audience_id,
    today_person_id,
    identifier_hash,
    acknowledged,
    sent_identifiers,
    email_key,
    phone_key,
    payload_hash,
    membership_id,
    consent_id,
    acknowledged_at,
    confirmed_at,
    operation,
    attempt_state,
    batch_id,
    tries,
    error_class,
    error_code,
    error_text,
    opened_at,
    attempt_identifiers,
    attempt_payload_hash
from one_each
on conflict (audience_id, person_id, identifier_hash) do update set
    acknowledged = case when 'present' in (kept.acknowledged, excluded.acknowledged) then 'present' else 'absent' end,
    sent_identifiers = coalesce(kept.sent_identifiers, excluded.sent_identifiers),
    payload_hash = case when kept.acknowledged = 'present' then kept.payload_hash else excluded.payload_hash end,
    acknowledged_at = greatest(kept.acknowledged_at, excluded.acknowledged_at),
    operation = coalesce(kept.operation, excluded.operation),
    attempt_state = coalesce(kept.attempt_state, excluded.attempt_state),
    attempt_identifiers = coalesce(kept.attempt_identifiers, excluded.attempt_identifiers),
    attempt_payload_hash = coalesce(kept.attempt_payload_hash, excluded.attempt_payload_hash)
