-- Writes the result of one request: its orders are confirmed, but for the exceptions, which the platform does not have
-- (again: what it had before the restatement it still has). Orders that were sent anew since then are left alone.
with

exceptions as (
    select *
    from unnest(%(rows)s::int[], %(outcomes)s::text[], %(codes)s::text[], %(texts)s::text[])
        as exception (batch_row, outcome, code, reason)
),

concerned as (
    select
        delivery.*,
        coalesce(exceptions.outcome, 'confirmed') as result,
        exceptions.code,
        exceptions.reason,
        before.value_minor as value_before
    from conversion.delivery
    left join exceptions on delivery.batch_row = exceptions.batch_row
    left join lateral (
        select earlier.value_minor
        from conversion.delivery as earlier
        where
            earlier.transaction_id = delivery.transaction_id
            and earlier.destination = delivery.destination
            and earlier.action_id = delivery.action_id
            and earlier.batch_id < delivery.batch_id
            and earlier.outcome = 'confirmed'
            and delivery.restated
        order by earlier.delivery_id desc
        limit 1
    ) as before on true
    where delivery.batch_id = %(batch_id)s and delivery.outcome = 'accepted'
),

settled as (
    update conversion.told
    set
        confirmed_at = case when concerned.result = 'confirmed' or concerned.value_before is not null then %(at)s end,
        acknowledged_minor = case
            when concerned.result = 'confirmed' then told.acknowledged_minor
            else concerned.value_before
        end,
        attempt_minor = case when concerned.result <> 'confirmed' then concerned.value_minor end,
        attempt_state = case when concerned.result <> 'confirmed' then concerned.result end,
        tries = case when concerned.result <> 'confirmed' then told.tries + 1 else 0 end,
        error_code = concerned.code,
        error_text = concerned.reason
    from concerned
    where
        told.destination = concerned.destination
        and told.action_id = concerned.action_id
        and told.transaction_id = concerned.transaction_id
        and told.batch_id = %(batch_id)s
        and told.attempt_state is null
),

logged as (
    insert into conversion.delivery (
        batch_id, batch_row, destination, action_id, transaction_id, person_id, consent_id, value_minor, currency, restated,
        outcome, error_code, error_text, at
    )
    select
        concerned.batch_id,
        concerned.batch_row,
        concerned.destination,
        concerned.action_id,
        concerned.transaction_id,
        concerned.person_id,
        concerned.consent_id,
        concerned.value_minor,
        concerned.currency,
        concerned.restated,
        concerned.result,
        concerned.code,
        concerned.reason,
        %(at)s
    from concerned
),

counted as (
    select count(*) filter (where concerned.result = 'confirmed') as confirmed from concerned
)

update conversion.batch
set
    state = case when counted.confirmed = 0 then 'failed' else 'confirmed' end,
    accepted = counted.confirmed,
    rejected = batch.rejected + batch.accepted - counted.confirmed,
    ended_at = %(at)s
from counted
where batch.batch_id = %(batch_id)s
