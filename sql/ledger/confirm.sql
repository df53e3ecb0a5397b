-- Writes the result of one job: its persons are confirmed, but for the exceptions, which fall back to an open attempt.
-- Rows that were sent anew since then belong to a later batch and are left alone.
with

exceptions as (
    select *
    from unnest(%(rows)s::int[], %(outcomes)s::text[], %(codes)s::text[], %(texts)s::text[])
        as exception (batch_row, outcome, code, reason)
),

concerned as (
    select
        delivery.person_id,
        delivery.batch_row,
        delivery.operation,
        delivery.membership_id,
        delivery.consent_id,
        delivery.segment_version,
        coalesce(exceptions.outcome, 'confirmed') as outcome,
        exceptions.code,
        exceptions.reason
    from audience.delivery
    left join exceptions on delivery.batch_row = exceptions.batch_row
    where delivery.batch_id = %(batch_id)s and delivery.outcome = 'accepted'
),

settled as (
    update audience.member
    set
        confirmed_at = case when concerned.outcome = 'confirmed' then %(at)s end,
        acknowledged = case
            when concerned.outcome = 'confirmed' then member.acknowledged
            when concerned.operation = 'remove' then 'present'
            else 'absent'
        end,
        sent_identifiers = case
            when concerned.outcome <> 'confirmed' and concerned.operation = 'remove'
                then coalesce(member.sent_identifiers, '{}') || coalesce(member.attempt_identifiers, '{}')
            else member.sent_identifiers
        end,
        operation = case when concerned.outcome <> 'confirmed' then concerned.operation end,
        opened_at = case when concerned.outcome <> 'confirmed' then coalesce(member.opened_at, %(at)s) end,
        tries = case when concerned.outcome <> 'confirmed' then member.tries else 0 end,
        attempt_state = case concerned.outcome when 'confirmed' then null when 'unknown' then 'sent' else concerned.outcome end,
        attempt_identifiers = case
            when concerned.outcome <> 'confirmed' then coalesce(member.attempt_identifiers, member.sent_identifiers)
        end,
        attempt_payload_hash = case when concerned.outcome <> 'confirmed' then member.payload_hash end,
        error_class = case when concerned.outcome <> 'confirmed' then concerned.outcome end,
        error_code = concerned.code,
        error_text = concerned.reason
    from concerned
    where
        member.audience_id = %(audience_id)s
        and member.person_id = concerned.person_id
        and member.batch_id = %(batch_id)s
        and member.attempt_state is null
),

logged as (
    insert into audience.delivery (
        audience_id, person_id, batch_id, batch_row, operation, outcome, error_code, error_text, membership_id, consent_id,
        segment_version, at
    )
    select
        %(audience_id)s::bigint,
        concerned.person_id,
        %(batch_id)s::bigint,
        concerned.batch_row,
        concerned.operation,
        concerned.outcome,
        concerned.code,
        concerned.reason,
        concerned.membership_id,
        concerned.consent_id,
        concerned.segment_version,
        %(at)s
    from concerned
)

update audience.batch
set
    state = case when told.failed = batch.accepted and batch.accepted > 0 then 'failed' else 'confirmed' end,
    accepted = batch.accepted - told.failed,
    rejected = batch.rejected + told.refused,
    unknown = batch.unknown + told.failed - told.refused,
    ended_at = %(at)s
from (
    select
        count(*) filter (where outcome <> 'confirmed') as failed,
        count(*) filter (where outcome in ('rejected', 'retriable', 'debt')) as refused
    from concerned
) as told
where batch.batch_id = %(batch_id)s
