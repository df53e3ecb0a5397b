-- One batch of removals, by numbers: the identifiers as they were sent, without those that must stay.
select
    plan_row.ordinal,
    plan_row.person_id::text as person_id,
    plan_row.identifier_hash::text as identifier_hash,
    coalesce(membership.left_version, membership.version) as segment_version,
    plan_row.kept,
    coalesce(member.sent_identifiers, member.attempt_identifiers, '{}') - plan_row.kept as identifiers
from pg_temp.plan_row
inner join audience.member
    on
        member.audience_id = %(audience_id)s
        and plan_row.person_id = member.person_id
        and plan_row.identifier_hash = member.identifier_hash
left join segment.membership on member.membership_id = membership.membership_id
where
    plan_row.ordinal between %(first)s and %(last)s
    and plan_row.operation = 'remove'
order by plan_row.ordinal
