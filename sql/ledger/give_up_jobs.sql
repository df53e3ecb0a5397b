-- Batches whose job did not end within the time we give it: unknown, as each of their persons, whom the next plan sends
-- again or takes back. Rows that were sent anew since then belong to a later batch and are left alone. One row: how many.
with

given_up as (
    update audience.batch
    set
        state = 'unknown',
        unknown = accepted,
        accepted = 0,
        error_class = 'lost',
        error_code = 'job_never_ended',
        ended_at = %(at)s
    where audience_id = %(audience_id)s and state = 'accepted' and job_id is not null and started_at < %(before)s
    returning batch_id
),

concerned as (
    select delivery.*
    from audience.delivery
    inner join given_up on delivery.batch_id = given_up.batch_id
    where delivery.outcome = 'accepted'
),

reopened as (
    update audience.member
    set
        acknowledged = case concerned.operation when 'remove' then 'present' else 'absent' end,
        sent_identifiers = case concerned.operation
            when 'remove' then coalesce(member.sent_identifiers, '{}') || coalesce(member.attempt_identifiers, '{}')
            else member.sent_identifiers
        end,
        operation = concerned.operation,
        attempt_state = 'sent',
        attempt_identifiers = coalesce(member.attempt_identifiers, member.sent_identifiers),
        attempt_payload_hash = member.payload_hash,
        error_class = 'lost',
        error_code = 'job_never_ended',
        opened_at = coalesce(member.opened_at, %(at)s)
    from concerned
    where
        member.audience_id = %(audience_id)s
        and member.person_id = concerned.person_id
        and member.batch_id = concerned.batch_id
        and member.attempt_state is null
),

logged as (
    insert into audience.delivery (
        audience_id, person_id, batch_id, batch_row, operation, outcome, error_code, membership_id, consent_id,
        segment_version, at
    )
    select
        concerned.audience_id,
        concerned.person_id,
        concerned.batch_id,
        concerned.batch_row,
        concerned.operation,
        'unknown',
        'job_never_ended',
        concerned.membership_id,
        concerned.consent_id,
        concerned.segment_version,
        %(at)s
    from concerned
)

select count(*) as batches from given_up
