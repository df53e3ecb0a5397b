-- Brings the members of answered batches of additions and updates to what was answered: of whom the platform took, what
-- was sent is acknowledged; of the others the attempt stays open. From the lines written before the call; a person who is
-- new to the audience gets a row.
insert into audience.member as member (
    audience_id, person_id, identifier_hash, acknowledged, sent_identifiers, email_key, phone_key, payload_hash, row_hash,
    membership_id, consent_id, acknowledged_at, confirmed_at, batch_id, operation, attempt_state, tries, error_class,
    error_code, error_text, opened_at, attempt_identifiers, attempt_payload_hash
)
with

calls as materialized (
    select
        batch.*,
        exists (select from audience.line where line.batch_id = batch.batch_id) as names_somebody
    from audience.batch
    where batch.batch_id = any(%(batch_ids)s::bigint[])
),

given as materialized (
    select
        calls.batch_id,
        calls.names_somebody,
        calls.operation,
        calls.job_id is not null as has_job,
        calls.outcome,
        calls.error_code,
        calls.outcome_text,
        calls.started_at,
        calls.ended_at,
        (identifier.position - 1)::int as batch_row,
        identifier.identifiers
    from calls
    cross join lateral jsonb_array_elements(calls.identifiers::jsonb) with ordinality as identifier (identifiers, position)
),

-- `offset 0`: row by row through the keys, whatever the planner makes of tables that are being filled.
answered as (
    select
        sent.*,
        given.identifiers,
        given.operation,
        given.has_job,
        given.started_at,
        given.ended_at,
        coalesce(line.outcome, given.outcome) as outcome,
        coalesce(line.outcome, given.outcome) in ('accepted', 'confirmed') as taken,
        coalesce(line.absent, false) as absent,
        case when line.outcome is null then given.error_code else line.error_code end as error_code,
        case when line.outcome is null then given.outcome_text else line.error_text end as error_text
    from given
    cross join lateral (
        select sent.*
        from audience.sent
        where sent.batch_id = given.batch_id and sent.batch_row = given.batch_row
        offset 0
    ) as sent
    left join lateral (
        select
            line.outcome,
            line.absent,
            line.error_code,
            line.error_text
        from audience.line
        where given.names_somebody and line.batch_id = given.batch_id and line.batch_row = given.batch_row
        offset 0
    ) as line on true
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
from answered
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
