-- Brings the members of answered batches of additions and updates to what was answered: of whom the platform took, what
-- was sent is acknowledged; of the others the attempt stays open. From the lines written before the call; a person who is
-- new to the audience gets a row.
insert into audience.member as member (
    audience_id, person_id, identifier_hash, acknowledged, sent_identifiers, email_key, phone_key, payload_hash, row_hash,
    membership_id, consent_id, acknowledged_at, confirmed_at, batch_id, operation, attempt_state, tries, error_class,
    error_code, error_text, opened_at, attempt_identifiers, attempt_payload_hash
)
select
    audience_id,
    person_id,
    identifier_hash,
    case when taken then 'present' else 'absent' end,
    case when taken then identifiers end,
    email_key,
    phone_key,
    case when taken then payload_hash end,
    case when taken then row_hash end,
    membership_id,
    consent_id,
    case when taken or absent then ended_at end, -- when the platform said that it holds the person, or no longer does
    case when outcome = 'confirmed' then ended_at end,
    batch_id,
    case when not taken then operation end,
    case when outcome = 'unknown' then 'sent' when not taken then outcome end,
    case when taken and not has_job then 0 else 1 end,
    case when not taken then outcome end,
    case when not taken then error_code end,
    case when not taken then error_text end,
    case when not taken or has_job then started_at end,
    case when not taken then identifiers end,
    case when not taken then payload_hash end
from (
    select *
    from audience.answered
    where answered.batch_id = any(%(batch_ids)s::bigint[])
    offset 0 -- what became of a person is worked out once, not for every column
) as answered
on conflict (person_id, audience_id, identifier_hash) do update set
    acknowledged = case
        when excluded.attempt_state is null then 'present'
        when excluded.acknowledged_at is not null then 'absent'
        else member.acknowledged
    end,
    sent_identifiers = case when excluded.attempt_state is null then excluded.sent_identifiers else member.sent_identifiers end,
    payload_hash = case when excluded.attempt_state is null then excluded.payload_hash else member.payload_hash end,
    row_hash = excluded.row_hash,
    membership_id = coalesce(excluded.membership_id, member.membership_id),
    consent_id = coalesce(excluded.consent_id, member.consent_id),
    acknowledged_at = coalesce(excluded.acknowledged_at, member.acknowledged_at),
    confirmed_at = case when excluded.attempt_state is null then excluded.confirmed_at else member.confirmed_at end,
    batch_id = excluded.batch_id,
    operation = excluded.operation,
    attempt_state = excluded.attempt_state,
    tries = case when excluded.tries = 0 then 0 else member.tries + 1 end, -- a job may yet fail
    error_class = excluded.error_class,
    error_code = excluded.error_code,
    error_text = excluded.error_text,
    opened_at = case when excluded.opened_at is not null then coalesce(member.opened_at, excluded.opened_at) end,
    attempt_identifiers = excluded.attempt_identifiers,
    attempt_payload_hash = excluded.attempt_payload_hash
