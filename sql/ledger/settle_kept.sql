-- Removals without a call: each identifier the leaver still has at the platform belongs to a present member who stays. Runs
-- when the platform has told all it will tell of this sync: whoever carries an identifier by a call without an answer, or by
-- a job without a result, does not hold it yet, and the leaver's row stays open for the next run.
-- One row: leavers of whom an identifier is left that nobody carries any more: it was kept for somebody whom the platform
-- refused, or who withdrew since the plan. They are to be planned again.
with

pending as (
    select batch.batch_id
    from audience.batch
    where batch.audience_id = %(audience_id)s and batch.state = 'accepted' and batch.job_id is not null
),

carriers as ( -- members, and who may be one
    select
        member.email_key,
        member.phone_key,
        member.acknowledged = 'present'
        and coalesce(member.operation, '') <> 'remove'
        and (member.batch_id in (select pending.batch_id from pending)) is not true as is_held
    from audience.member
    where
        member.audience_id = %(audience_id)s
        and (member.acknowledged = 'present' or member.attempt_state in ('sent', 'retriable'))
        and (
            member.email_key in (select waiting.email_key from pg_temp.waiting)
            or member.phone_key in (select waiting.phone_key from pg_temp.waiting)
        )
        and not exists (
            select from pg_temp.plan_row as gone
            where
                gone.operation = 'remove'
                and gone.person_id = member.person_id
                and gone.identifier_hash = member.identifier_hash
        )
),

emails as (
    select
        email_key,
        bool_or(is_held) as is_held
    from carriers
    group by email_key
),

phones as (
    select
        phone_key,
        bool_or(is_held) as is_held
    from carriers
    group by phone_key
),

covered as (
    select waiting.*
    from pg_temp.waiting
    left join emails on waiting.email_key = emails.email_key
    left join phones on waiting.phone_key = phones.phone_key
    where
        (waiting.email_key is null or emails.is_held)
        and (waiting.phone_key is null or phones.is_held)
),

settled as (
    update audience.member
    set
        acknowledged = 'absent',
        sent_identifiers = null,
        acknowledged_at = %(at)s,
        operation = null,
        attempt_state = null,
        attempt_identifiers = null,
        attempt_payload_hash = null,
        opened_at = null,
        tries = 0
    from covered
    where
        member.audience_id = %(audience_id)s
        and member.person_id = covered.person_id
        and member.identifier_hash = covered.identifier_hash
    returning member.person_id, member.membership_id, member.consent_id
),

logged as (
    insert into audience.line (audience_id, person_id, operation, outcome, error_code, membership_id, consent_id, at)
    select
        %(audience_id)s::bigint,
        settled.person_id,
        'remove',
        'accepted',
        'identifier_of_another_member',
        settled.membership_id,
        settled.consent_id,
        %(at)s
    from settled
)

select count(*) as left_over
from pg_temp.waiting
left join emails on waiting.email_key = emails.email_key
left join phones on waiting.phone_key = phones.phone_key
where
    (waiting.email_key is not null and emails.email_key is null)
    or (waiting.phone_key is not null and phones.phone_key is null)
