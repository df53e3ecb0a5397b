-- Marks changed identifiers of one and the same member: a removal of a person who is added or stays under others, and an
-- addition of a person who is removed under others. Asked only of plans that remove somebody.
with

leaving as (
    select
        person_id,
        identifier_hash,
        was_present
    from pg_temp.plan_row
    where operation = 'remove'
),

under_others as (
    select
        'remove' as operation,
        person_id
    from pg_temp.plan_row
    where operation in ('add', 'update')
    union
    select
        'remove' as operation,
        member.person_id
    from audience.member
    where
        member.audience_id = %(audience_id)s
        and (member.acknowledged = 'present' or member.attempt_state in ('sent', 'retriable'))
        and member.person_id in (select leaving.person_id from leaving)
        and not exists (
            select from leaving
            where leaving.person_id = member.person_id and leaving.identifier_hash = member.identifier_hash
        )
    union
    select
        'add' as operation,
        person_id
    from leaving
    where was_present
)

update pg_temp.plan_row
set readdress = true
from under_others
where
    plan_row.person_id = under_others.person_id
    and plan_row.operation = under_others.operation
