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
        sent.*,
        given.identifiers,
        batch.operation,
        coalesce(exceptions.outcome, 'confirmed') as outcome,
        exceptions.code,
        exceptions.reason
    from audience.batch
    inner join audience.sent on batch.batch_id = sent.batch_id
    left join jsonb_array_elements(batch.identifiers::jsonb) with ordinality as given (identifiers, position)
        on sent.batch_row = given.position - 1
    left join exceptions on sent.batch_row = exceptions.batch_row
    where
        batch.batch_id = %(batch_id)s
        and batch.outcome = 'accepted'
        and not exists (
            select from audience.line
            where line.batch_id = sent.batch_id and line.batch_row = sent.batch_row
        )
),

settled as (
    update audience.member
    set
        confirmed_at = case when concerned.outcome = 'confirmed' then %(at)s end,
        acknowledged = case
            when concerned.outcome = 'confirmed' then member.acknowledged
            when concerned.operation = 'add' then 'absent'
            else 'present' -- who was not removed, or not updated, is still there
        end,
        sent_identifiers = case
            when concerned.outcome <> 'confirmed' and concerned.operation = 'remove'
                then coalesce(member.sent_identifiers, '{}') || coalesce(concerned.identifiers, '{}')
            else member.sent_identifiers
        end,
        operation = case when concerned.outcome <> 'confirmed' then concerned.operation end,
        attempt_state = case concerned.outcome when 'confirmed' then null when 'unknown' then 'sent' else concerned.outcome end,
        attempt_identifiers = case
            when concerned.outcome <> 'confirmed' then coalesce(concerned.identifiers, member.sent_identifiers)
        end,
        attempt_payload_hash = case when concerned.outcome <> 'confirmed' then member.payload_hash end,
        opened_at = case when concerned.outcome <> 'confirmed' then coalesce(member.opened_at, %(at)s) end,
        tries = case when concerned.outcome <> 'confirmed' then member.tries else 0 end,
        error_class = case when concerned.outcome <> 'confirmed' then concerned.outcome end,
        error_code = concerned.code,
        error_text = concerned.reason
    from concerned
    cross join
        lateral ( -- by key, one by one, however few people Postgres takes the audience for
            select found.ctid as place
            from audience.member as found
            where
                found.audience_id = %(audience_id)s
                and found.person_id = concerned.person_id -- noqa: RF01
                and found.identifier_hash = concerned.identifier_hash -- noqa: RF01
                and found.batch_id = %(batch_id)s
                and found.attempt_state is null
            offset 0
        ) as known
    where member.ctid = known.place
),

logged as (
    insert into audience.line (
        audience_id, person_id, batch_id, batch_row, operation, outcome, error_code, error_text, membership_id, consent_id,
        segment_version, at
    )
    select
        concerned.audience_id,
        concerned.person_id,
        concerned.batch_id,
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
    where concerned.outcome <> 'confirmed'
)

update audience.batch
set
    state = case when told.failed = batch.accepted and batch.accepted > 0 then 'failed' else 'confirmed' end,
    outcome = 'confirmed',
    identifiers = null,
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
