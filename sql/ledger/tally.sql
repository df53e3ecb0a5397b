-- One row: what one try achieved, in persons, from the plan and the ledger as it stands now.
select
    count(*) filter (
        where
        plan_row.operation = 'add'
        and not plan_row.readdress
        and member.attempt_state is null
        and member.acknowledged = 'present'
    ) as added,
    count(*) filter (
        where
        (plan_row.operation = 'update' or (plan_row.operation = 'add' and plan_row.readdress))
        and member.attempt_state is null
        and member.acknowledged = 'present'
    ) as updated,
    count(*) filter (
        where
        plan_row.operation = 'remove'
        and not plan_row.readdress
        and member.acknowledged = 'absent'
        and member.attempt_state is null
    ) as removed,
    count(*) filter (
        where
        member.attempt_state = 'rejected'
        and member.batch_id in (select batch.batch_id from audience.batch where batch.sync_id = %(sync_id)s)
    ) as rejected,
    count(*) filter (where member.attempt_state in ('sent', 'retriable', 'debt')) as open_attempts,
    count(*) filter (where member.attempt_state = 'retriable' and member.error_code = %(too_few)s) as too_few,
    count(*) filter (where member.confirmed_at >= %(started_at)s and member.attempt_state is null) as confirmed
from pg_temp.plan_row
left join audience.member
    on
        member.audience_id = %(audience_id)s
        and plan_row.person_id = member.person_id
        and plan_row.identifier_hash = member.identifier_hash
