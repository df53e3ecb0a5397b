-- Brings the members of answered batches of removals to what was answered: of whom the platform let go, nothing is there
-- any more but identifiers that had to stay; of the others the attempt stays open.
with

calls as materialized (
    select
        batch.*,
        exists(select from audience.line where line.batch_id = batch.batch_id) as names_somebody
    from audience.batch
    where batch.batch_id = any(%(batch_ids)s::bigint[])
),

given as materialized (
    select
        calls.batch_id,
        calls.names_somebody,
        calls.job_id is not null as has_job,
        calls.outcome,
        calls.error_code,
        calls.outcome_text,
        calls.started_at,
        calls.ended_at,
        (identifier.position - 1)::int as batch_row,
        identifier.identifiers
    from calls
    cross join lateral jsonb_array_elements(calls.identifiers::jsonb) with ordinality as identifier (identifiers, position)
),

-- `offset 0`: row by row through the keys, whatever the planner makes of tables that are being filled.
answered as (
    select
        sent.*,
        given.identifiers,
        array(select jsonb_object_keys(given.identifiers)) as let_go,
        given.has_job,
        given.started_at,
        given.ended_at,
        coalesce(line.outcome, given.outcome) as outcome,
        coalesce(line.outcome, given.outcome) in ('accepted', 'confirmed') as taken,
        case when line.outcome is null then given.error_code else line.error_code end as error_code,
        case when line.outcome is null then given.outcome_text else line.error_text end as error_text
    from given
    cross join
        lateral (
            select sent.*
            from audience.sent
            where sent.batch_id = given.batch_id and sent.batch_row = given.batch_row
            offset 0
        ) as sent
    left join lateral (
        select
            line.outcome,
            line.error_code,
            line.error_text
        from audience.line
        where given.names_somebody and line.batch_id = given.batch_id and line.batch_row = given.batch_row
        offset 0
    ) as line on true
)

update audience.member
set
    acknowledged = case
        when answered.outcome = 'debt' then 'present' -- also if its addition was never answered: what refuses to let go has it
        when not answered.taken then member.acknowledged
        when answered.kept is null then 'absent'
        else 'present'
    end,
    sent_identifiers = case
        when not answered.taken then coalesce(member.sent_identifiers, member.attempt_identifiers)
        when answered.kept is not null then coalesce(member.sent_identifiers, member.attempt_identifiers) - answered.let_go
    end,
    row_hash = null,
    acknowledged_at = case when answered.taken then answered.ended_at else member.acknowledged_at end,
    confirmed_at = case
        when answered.outcome = 'confirmed' then answered.ended_at
        when not answered.taken then member.confirmed_at
    end,
    batch_id = answered.batch_id,
    operation = case when not answered.taken then 'remove' end,
    attempt_state = case when answered.outcome = 'unknown' then 'sent' when not answered.taken then answered.outcome end,
    tries = case when answered.taken and not answered.has_job then 0 else member.tries + 1 end, -- a job may yet fail
    error_class = case when not answered.taken then answered.outcome end,
    error_code = case when not answered.taken then answered.error_code end,
    error_text = case when not answered.taken then answered.error_text end,
    opened_at = case when not answered.taken or answered.has_job then coalesce(member.opened_at, answered.started_at) end,
    attempt_identifiers = case when not answered.taken then answered.identifiers end,
    attempt_payload_hash = null
from answered
where
    member.audience_id = answered.audience_id
    and member.person_id = answered.person_id
    and member.identifier_hash = answered.identifier_hash
