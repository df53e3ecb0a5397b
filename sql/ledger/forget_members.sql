-- The platform's audience is gone, and with it everybody in it: nobody is a member any more, no answer is awaited.
-- One line in the delivery log for each person it held or may have held, so that the coming additions have a reason.
with

gone as (
    update audience.member
    set
        acknowledged = 'absent',
        sent_identifiers = null,
        acknowledged_at = %(at)s,
        confirmed_at = null,
        operation = null,
        attempt_state = null,
        attempt_identifiers = null,
        attempt_payload_hash = null,
        opened_at = null,
        tries = 0,
        error_class = null,
        error_code = null,
        error_text = null
    where
        member.audience_id = %(audience_id)s
        and (member.acknowledged = 'present' or member.attempt_state in ('sent', 'retriable', 'debt'))
    returning member.person_id, member.membership_id, member.consent_id
),

unanswerable as (
    update audience.batch
    set state = 'failed', error_class = 'fatal', error_code = 'audience_gone', ended_at = %(at)s
    where batch.audience_id = %(audience_id)s and batch.state = 'accepted'
)

insert into audience.line (audience_id, person_id, operation, outcome, error_code, membership_id, consent_id, at)
select
    %(audience_id)s::bigint,
    gone.person_id,
    'remove',
    'accepted',
    'audience_gone',
    gone.membership_id,
    gone.consent_id,
    %(at)s
from gone
