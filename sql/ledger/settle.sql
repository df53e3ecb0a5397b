-- Writes the answer to one batch: whoever is not named among the exceptions was accepted. Moves the acknowledged state,
-- closes or keeps the attempt, appends one line a person to the delivery log, and counts the batch.
-- Exceptions: rejected (for good), retriable (next run), debt (a removal the platform refused), unknown (no answer).
with

exceptions as (
    select *
    from unnest(%(rows)s::int [], %(outcomes)s::text [], %(codes)s::text [], %(texts)s::text [])
        as exception (batch_row, outcome, code, reason)
),

answered as (
    select
        %(audience_id)s::bigint as audience_id, -- a column: joined row by row through the key, never by reading the audience
        plan_row.person_id,
        plan_row.identifier_hash,
        plan_row.kept,
        given.batch_row - 1 as batch_row,
        coalesce(exceptions.outcome, 'accepted') as outcome,
        exceptions.code,
        exceptions.reason
    from unnest(%(ordinals)s::bigint []) with ordinality as given (ordinal, batch_row)
    inner join pg_temp.plan_row on given.ordinal = plan_row.ordinal
    left join exceptions on given.batch_row - 1 = exceptions.batch_row
),

settled as (
    update audience.member
    set
        acknowledged = case
            when answered.outcome <> 'accepted' then member.acknowledged
            when member.operation = 'remove' and cardinality(answered.kept) = 0 then 'absent'
            else 'present'
        end,
        sent_identifiers = case
            when answered.outcome <> 'accepted' then member.sent_identifiers
            when member.operation = 'remove' and cardinality(answered.kept) = 0 then null
            when member.operation = 'remove' then (
                select jsonb_object_agg(identifier.key, identifier.value)
                from jsonb_each(member.sent_identifiers) as identifier
                where identifier.key = any(answered.kept)
            )
            else member.attempt_identifiers
        end,
        payload_hash = case
            when answered.outcome = 'accepted' and member.operation <> 'remove' then member.attempt_payload_hash
            else member.payload_hash
        end,
        acknowledged_at = case when answered.outcome = 'accepted' then %(at)s else member.acknowledged_at end,
        confirmed_at = case when answered.outcome = 'accepted' then case when %(confirmed)s then %(at)s end else member.confirmed_at end,
        operation = case when answered.outcome <> 'accepted' then member.operation end,
        attempt_state = case answered.outcome when 'accepted' then null when 'unknown' then 'sent' else answered.outcome end,
        attempt_identifiers = case when answered.outcome <> 'accepted' then member.attempt_identifiers end,
        attempt_payload_hash = case when answered.outcome <> 'accepted' then member.attempt_payload_hash end,
        opened_at = case when answered.outcome <> 'accepted' then member.opened_at end,
        tries = case when answered.outcome <> 'accepted' then member.tries else 0 end,
        error_class = case when answered.outcome <> 'accepted' then answered.outcome end,
        error_code = answered.code,
        error_text = answered.reason
    from answered
    where
        member.audience_id = answered.audience_id
        and member.person_id = answered.person_id
        and member.identifier_hash = answered.identifier_hash
        and member.batch_id is not distinct from %(batch_id)s
    returning
        member.person_id,
        member.membership_id,
        member.consent_id,
        answered.batch_row,
        answered.outcome,
        answered.code,
        answered.reason
),

logged as (
    insert into audience.delivery (
        audience_id, person_id, batch_id, batch_row, operation, outcome, error_code, error_text, membership_id, consent_id,
        segment_version, at
    )
    select
        %(audience_id)s::bigint,
        settled.person_id,
        %(batch_id)s::bigint,
        settled.batch_row,
        %(operation)s,
        case when settled.outcome = 'accepted' and %(confirmed)s then 'confirmed' else settled.outcome end,
        settled.code,
        settled.reason,
        settled.membership_id,
        settled.consent_id,
        coalesce(case when %(operation)s = 'remove' then membership.left_version end, membership.version),
        %(at)s
    from settled
    left join segment.membership on settled.membership_id = membership.membership_id
),

counted as (
    select
        count(*) filter (where outcome = 'accepted') as accepted,
        count(*) filter (where outcome in ('rejected', 'debt', 'retriable')) as rejected,
        count(*) filter (where outcome = 'unknown') as unknown
    from answered
)

update audience.batch
set
    accepted = counted.accepted,
    rejected = counted.rejected,
    unknown = counted.unknown,
    state = case
        when counted.unknown > 0 then 'unknown'
        when counted.accepted = 0 then 'failed'
        when %(confirmed)s then 'confirmed'
        else 'accepted'
    end,
    job_id = %(job_id)s,
    request_id = %(request_id)s,
    error_class = %(error_class)s,
    error_code = %(error_code)s,
    ended_at = %(at)s
from counted
where batch.batch_id = %(batch_id)s
