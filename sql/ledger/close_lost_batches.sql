-- Batches that a killed run left without an answer: unknown, as each of their persons. The plan sends them again.
with

lost as (
    update audience.batch
    set state = 'unknown', error_class = 'lost', error_code = 'killed', ended_at = %(at)s
    where audience_id = %(audience_id)s and state = 'sent'
    returning batch_id
)

insert into audience.delivery (
    audience_id, person_id, batch_id, operation, outcome, error_code, membership_id, consent_id, at
)
select
    member.audience_id,
    member.person_id,
    member.batch_id,
    member.operation,
    'unknown',
    'killed',
    member.membership_id,
    member.consent_id,
    %(at)s
from audience.member
where
    member.audience_id = %(audience_id)s
    and member.attempt_state = 'sent'
    and member.batch_id in (select lost.batch_id from lost)
