-- One batch of removals, by numbers: the identifiers as they were sent, without those that must stay.
select
    plan_row.ordinal,
    coalesce(member.sent_identifiers, member.attempt_identifiers, '{}') - plan_row.kept as identifiers
from pg_temp.plan_row
inner join audience.member
    on
        member.audience_id = %(audience_id)s
        and plan_row.person_id = member.person_id
        and plan_row.identifier_hash = member.identifier_hash
where
    plan_row.ordinal between %(first)s and %(last)s
    and plan_row.operation = 'remove'
order by plan_row.ordinal
