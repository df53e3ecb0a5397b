-- Leavers of whom nothing is left at the platform but identifiers that others carry too, and which identifiers those are.
create temporary table waiting on commit drop as
select
    member.person_id,
    member.identifier_hash,
    plan_row.readdress,
    case when 'email' = any(plan_row.kept) then member.email_key end as email_key,
    case when 'phone' = any(plan_row.kept) then member.phone_key end as phone_key
from pg_temp.plan_row
inner join audience.member
    on
        member.audience_id = %(audience_id)s
        and plan_row.person_id = member.person_id
        and plan_row.identifier_hash = member.identifier_hash
where
    plan_row.operation = 'remove'
    and cardinality(plan_row.kept) > 0
    and coalesce(member.sent_identifiers, member.attempt_identifiers, '{}') - plan_row.kept = '{}'
