-- Calls that a killed run left without an answer, and requests older than the platform takes to answer: nobody knows what
-- became of them. Their orders are sent again, under the same transaction ids.
with

lost as (
    update conversion.batch
    set
        state = 'unknown',
        unknown = batch.unknown + batch.accepted,
        accepted = 0,
        error_class = 'lost',
        error_code = case batch.state when 'sent' then 'killed' else 'job_never_ended' end,
        ended_at = %(at)s
    where
        batch.destination = %(destination)s
        and batch.action_id = %(action_id)s
        and (batch.state = 'sent' or (batch.state = 'accepted' and batch.started_at < %(job_before)s))
    returning batch.batch_id
)

update conversion.told
set
    attempt_state = 'sent',
    attempt_minor = coalesce(told.attempt_minor, told.acknowledged_minor),
    acknowledged_minor = case when told.attempt_state = 'sent' then told.acknowledged_minor end,
    confirmed_at = case when told.attempt_state = 'sent' then told.confirmed_at end
from lost
where
    told.batch_id = lost.batch_id
    and (told.attempt_state is null or told.attempt_state = 'sent')
