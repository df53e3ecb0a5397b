-- Brings the members of answered batches of removals to what was answered: of whom the platform let go, nothing is there
-- any more but identifiers that had to stay; of the others the attempt stays open.
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
        when answered.kept is not null
            then coalesce(member.sent_identifiers, member.attempt_identifiers) - answered.names
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
from (
    select * -- noqa: AM04
    from audience.answered
    where answered.batch_id = any(%(batch_ids)s::bigint[])
    offset 0 -- before the members are looked up: a batch's identifiers are taken apart once, not for everybody in it
) as answered
where
    member.audience_id = answered.audience_id
    and member.person_id = answered.person_id
    and member.identifier_hash = answered.identifier_hash
