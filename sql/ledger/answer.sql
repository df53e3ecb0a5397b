-- Writes down what was answered to some batches: the outcome of everybody whom the answer did not name, and a line for
-- each person it named. An answer is final when no job has to be asked about. Batches that were settled before are left
-- alone (their run had been taken for dead).
-- Outcomes: accepted, rejected (for good), retriable (next run), debt (a removal the platform refused), unknown.
-- One row a batch that is now to be settled.
with

exceptions as (
    select *
    from
        unnest(
            %(exceptions)s::bigint[],
            %(rows)s::int[],
            %(outcomes)s::text[],
            %(codes)s::text[],
            %(texts)s::text[],
            %(absents)s::boolean[]
        ) as exception (batch_id, batch_row, outcome, code, reason, absent)
),

named as (
    select
        batch_id,
        count(*) as people,
        count(*) filter (where outcome = 'unknown') as unknown
    from exceptions
    group by batch_id
),

called as (
    select
        answer.*,
        coalesce(named.people, 0) as named,
        coalesce(named.unknown, 0)
        + case answer.outcome when 'unknown' then batch.sent - coalesce(named.people, 0) else 0 end as unknown,
        case answer.outcome when 'accepted' then batch.sent - coalesce(named.people, 0) else 0 end as accepted
    from
        unnest(
            %(batch_ids)s::bigint[],
            %(batch_outcomes)s::text[],
            %(batch_codes)s::text[],
            %(batch_texts)s::text[],
            %(job_ids)s::text[],
            %(request_ids)s::text[],
            %(finals)s::boolean[],
            %(error_classes)s::text[]
        ) as answer (batch_id, outcome, code, reason, job_id, request_id, is_final, error_class)
    inner join audience.batch on answer.batch_id = batch.batch_id
    left join named on answer.batch_id = named.batch_id
    where batch.state = 'sent'
    for update of batch
),

lines as (
    insert into audience.line (
        audience_id, person_id, batch_id, batch_row, operation, outcome, error_code, error_text, membership_id, consent_id,
        segment_version, absent, at
    )
    select
        sent.audience_id,
        sent.person_id,
        sent.batch_id,
        sent.batch_row,
        %(operation)s,
        exceptions.outcome,
        exceptions.code,
        exceptions.reason,
        sent.membership_id,
        sent.consent_id,
        sent.segment_version,
        exceptions.absent,
        %(at)s
    from called
    inner join exceptions on called.batch_id = exceptions.batch_id
    inner join audience.sent on exceptions.batch_id = sent.batch_id and exceptions.batch_row = sent.batch_row
)

update audience.batch
set
    outcome = case when called.outcome = 'accepted' and called.is_final then 'confirmed' else called.outcome end,
    outcome_text = called.reason,
    accepted = called.accepted,
    unknown = called.unknown,
    rejected = batch.sent - called.accepted - called.unknown,
    state = case
        when called.unknown > 0 then 'unknown'
        when called.accepted = 0 then 'failed'
        when called.is_final then 'confirmed'
        else 'accepted'
    end,
    job_id = called.job_id,
    request_id = coalesce(called.request_id, batch.request_id), -- of a call without an answer: the id it went out under
    error_class = called.error_class,
    error_code = called.code,
    ended_at = %(at)s
from called
where batch.batch_id = called.batch_id
returning batch.batch_id
