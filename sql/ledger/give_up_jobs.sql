-- Batches whose job did not end within the time we give it: unknown, as each of their persons, whom the next plan sends
-- again or takes back. Rows that were sent anew since then belong to a later batch and are left alone. One row: how many.
with

given_up as (
    update audience.batch
    set
        state = 'unknown',
        outcome = 'unknown',
        outcome_text = 'the platform never told how its job ended',
        unknown = accepted,
        accepted = 0,
        error_class = 'lost',
        error_code = 'job_never_ended',
        ended_at = %(at)s
    where audience_id = %(audience_id)s and state = 'accepted' and job_id is not null and started_at < %(before)s
    returning batch_id, operation, identifiers
),

concerned as (
    select
        sent.*,
        given_up.operation,
        given.identifiers
    from given_up
    cross join
        lateral ( -- `offset 0`: through the key, and not at all when there is no such batch
            select sent.*
            from audience.sent
            where sent.batch_id = given_up.batch_id
            offset 0
        ) as sent
    left join lateral jsonb_array_elements(given_up.identifiers::jsonb) with ordinality as given (identifiers, position)
        on sent.batch_row = given.position - 1
    where not exists (
        select from audience.line
        where line.batch_id = sent.batch_id and line.batch_row = sent.batch_row
    )
),

reopened as (
    update audience.member
    set
        acknowledged = case concerned.operation when 'add' then 'absent' else 'present' end, -- as in confirm
        sent_identifiers = case concerned.operation
            when 'remove' then coalesce(member.sent_identifiers, '{}') || coalesce(concerned.identifiers, '{}')
            else member.sent_identifiers
        end,
        operation = concerned.operation,
        attempt_state = 'sent',
        attempt_identifiers = coalesce(concerned.identifiers, member.sent_identifiers),
        attempt_payload_hash = member.payload_hash,
        error_class = 'lost',
        error_code = 'job_never_ended',
        opened_at = coalesce(member.opened_at, %(at)s)
    from concerned
    where
        member.audience_id = %(audience_id)s
        and member.person_id = concerned.person_id
        and member.identifier_hash = concerned.identifier_hash
        and member.batch_id = concerned.batch_id
        and member.attempt_state is null
)

select count(*) as batches from given_up
