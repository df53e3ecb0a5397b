-- Writes the answer to one call: orders that are not named among the exceptions were taken. Rows that were sent anew since
-- then belong to a later batch and are left alone.
with

exceptions as (
    select *
    from unnest(%(rows)s::int[], %(outcomes)s::text[], %(codes)s::text[], %(texts)s::text[])
        as exception (batch_row, outcome, code, reason)
),

answered as (
    select
        told.transaction_id,
        told.attempt_minor as value_minor,
        told.acknowledged_minor is not null as restated,
        coalesce(exceptions.outcome, 'accepted') as outcome,
        exceptions.code,
        exceptions.reason
    from conversion.told
    left join exceptions on told.batch_row = exceptions.batch_row
    where told.batch_id = %(batch_id)s and told.attempt_state = 'sent'
),

settled as (
    update conversion.told
    set
        acknowledged_minor = case when answered.outcome = 'accepted' then answered.value_minor else told.acknowledged_minor end,
        acknowledged_at = case when answered.outcome = 'accepted' then %(at)s else told.acknowledged_at end,
        confirmed_at = case when answered.outcome = 'accepted' then null else told.confirmed_at end,
        attempt_minor = case when answered.outcome <> 'accepted' then answered.value_minor end,
        attempt_state = case answered.outcome when 'accepted' then null when 'unknown' then 'sent' else answered.outcome end,
        tries = case when answered.outcome <> 'accepted' then told.tries else 0 end,
        error_code = answered.code,
        error_text = answered.reason
    from answered
    where
        told.destination = %(destination)s
        and told.action_id = %(action_id)s
        and told.transaction_id = answered.transaction_id
    returning told.*, answered.value_minor, answered.restated, answered.outcome, answered.code, answered.reason
),

logged as (
    insert into conversion.delivery (
        batch_id, batch_row, destination, action_id, transaction_id, person_id, consent_id, value_minor, currency, restated,
        outcome, error_code, error_text, at
    )
    select
        settled.batch_id,
        settled.batch_row,
        settled.destination,
        settled.action_id,
        settled.transaction_id,
        settled.person_id,
        settled.consent_id,
        settled.value_minor,
        settled.currency,
        settled.restated,
        settled.outcome,
        settled.code,
        settled.reason,
        %(at)s
    from settled
),

counted as (
    select
        count(*) filter (where settled.outcome = 'accepted') as accepted,
        count(*) filter (where settled.outcome in ('rejected', 'retriable')) as rejected,
        count(*) filter (where settled.outcome = 'unknown') as unknown
    from settled
)

update conversion.batch
set
    accepted = counted.accepted,
    rejected = counted.rejected,
    unknown = counted.unknown,
    state = case
        when counted.unknown > 0 then 'unknown'
        when counted.accepted = 0 then 'failed'
        else 'accepted'
    end,
    job_id = %(job_id)s,
    request_id = %(request_id)s,
    error_class = %(error_class)s,
    error_code = %(error_code)s,
    ended_at = %(at)s
from counted
where batch.batch_id = %(batch_id)s
