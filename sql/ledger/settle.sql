-- Writes the answers to batches of one operation: whoever is not named among the exceptions was accepted. Moves the
-- acknowledged state, closes or keeps the attempt, appends one line a person to the delivery log, counts each batch.
-- Exceptions: rejected (for good), retriable (next run), debt (a removal the platform refused), unknown (no answer).
with

exceptions as (
    select *
    from unnest(%(batches)s::bigint [], %(rows)s::int [], %(outcomes)s::text [], %(codes)s::text [], %(texts)s::text [])
        as exception (batch_id, batch_row, outcome, code, reason)
),

called as (
    select *
    from
        unnest(
            %(batch_ids)s::bigint [],
            %(job_ids)s::text [],
            %(request_ids)s::text [],
            %(error_classes)s::text [],
            %(error_codes)s::text []
        ) as called (batch_id, job_id, request_id, error_class, error_code)
),

answered as (
    select
        %(audience_id)s::bigint as audience_id, -- a column: joined row by row through the key, never by reading the audience
        given.person_id,
        given.identifier_hash,
        given.segment_version,
        given.batch_id,
        given.batch_row,
        given.kept,
        coalesce(exceptions.outcome, 'accepted') as outcome,
        given.batch_id in (select called.batch_id from called where called.job_id is not null) as has_job,
        exceptions.code,
        exceptions.reason
    from
        rows from (
            unnest(%(persons)s::uuid []),
            unnest(%(hashes)s::uuid []),
            jsonb_array_elements_text(%(versions)s::jsonb),
            unnest(%(of_batches)s::bigint []),
            unnest(%(places)s::int []),
            jsonb_array_elements(%(kept)s::jsonb)
        ) as given (person_id, identifier_hash, segment_version, batch_id, batch_row, kept)
    left join exceptions on given.batch_id = exceptions.batch_id and given.batch_row = exceptions.batch_row
),

settled as (
    update audience.member
    set
        acknowledged = case
            when answered.outcome <> 'accepted' then member.acknowledged
            when member.operation = 'remove' and answered.kept = '[]' then 'absent'
            else 'present'
        end,
        sent_identifiers = case
            when answered.outcome <> 'accepted' then member.sent_identifiers
            when member.operation = 'remove' and answered.kept = '[]' then null
            when member.operation = 'remove' then (
                select jsonb_object_agg(identifier.key, identifier.value)
                from jsonb_each(member.sent_identifiers) as identifier
                where answered.kept ? identifier.key
            )
            else member.attempt_identifiers
        end,
        payload_hash = case
            when answered.outcome = 'accepted' and member.operation <> 'remove' then member.attempt_payload_hash
            else member.payload_hash
        end,
        row_hash = case when answered.outcome = 'accepted' then member.row_hash end,
        acknowledged_at = case when answered.outcome = 'accepted' then %(at)s else member.acknowledged_at end,
        confirmed_at = case when answered.outcome = 'accepted' then case when %(confirmed)s then %(at)s end else member.confirmed_at end,
        operation = case when answered.outcome <> 'accepted' then member.operation end,
        attempt_state = case answered.outcome when 'accepted' then null when 'unknown' then 'sent' else answered.outcome end,
        attempt_identifiers = case -- of a removal they are kept until its job has ended, which may fail
            when answered.outcome <> 'accepted' or (member.operation = 'remove' and answered.has_job)
                then member.attempt_identifiers
        end,
        attempt_payload_hash = case when answered.outcome <> 'accepted' then member.attempt_payload_hash end,
        opened_at = case when answered.outcome <> 'accepted' or answered.has_job then member.opened_at end,
        tries = case when answered.outcome <> 'accepted' or answered.has_job then member.tries else 0 end,
        error_class = case when answered.outcome <> 'accepted' then answered.outcome end,
        error_code = answered.code,
        error_text = answered.reason
    from answered
    where
        member.audience_id = answered.audience_id
        and member.person_id = answered.person_id
        and member.identifier_hash = answered.identifier_hash
        and member.batch_id = answered.batch_id
    returning
        member.person_id,
        member.membership_id,
        member.consent_id,
        answered.segment_version,
        answered.batch_id,
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
        settled.batch_id,
        settled.batch_row,
        %(operation)s,
        case when settled.outcome = 'accepted' and %(confirmed)s then 'confirmed' else settled.outcome end,
        settled.code,
        settled.reason,
        settled.membership_id,
        settled.consent_id,
        settled.segment_version,
        %(at)s
    from settled
),

counted as (
    select
        answered.batch_id,
        count(*) filter (where answered.outcome = 'accepted') as accepted,
        count(*) filter (where answered.outcome in ('rejected', 'debt', 'retriable')) as rejected,
        count(*) filter (where answered.outcome = 'unknown') as unknown
    from answered
    group by answered.batch_id
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
    job_id = called.job_id,
    request_id = called.request_id,
    error_class = called.error_class,
    error_code = called.error_code,
    ended_at = %(at)s
from counted
inner join called on counted.batch_id = called.batch_id
where batch.batch_id = counted.batch_id
