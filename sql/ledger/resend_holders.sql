-- Members who share an identifier with a leaver of whom another identifier is removed: they are sent again after the
-- removal. A platform may hold the two as one and let both go.
with

parted as (
    select distinct case kept.column_name when 'email' then member.email_key else member.phone_key end as identifier_key
    from pg_temp.plan_row
    inner join audience.member
        on
            member.audience_id = %(audience_id)s
            and plan_row.person_id = member.person_id
            and plan_row.identifier_hash = member.identifier_hash
    cross join lateral unnest(plan_row.kept) as kept (column_name)
    where
        plan_row.operation = 'remove'
        and coalesce(member.sent_identifiers, member.attempt_identifiers, '{}') - plan_row.kept <> '{}'
)

insert into pg_temp.plan_row (
    operation, person_id, identifier_hash, email_key, phone_key, payload_hash, row_hash, membership_id, consent_id,
    segment_version, was_present
)
select distinct
    'update',
    member.person_id,
    member.identifier_hash,
    member.email_key,
    member.phone_key,
    member.payload_hash,
    person.row_hash,
    stay.membership_id,
    member.consent_id,
    stay.version,
    true
from audience.member
inner join parted on parted.identifier_key in (member.email_key, member.phone_key) -- noqa: AL04
inner join profile.person on member.person_id = person.person_id
inner join segment.membership as stay
    on stay.segment = %(segment)s and member.person_id = stay.person_id and stay.left_at is null
where
    member.audience_id = %(audience_id)s
    and member.acknowledged = 'present'
    and (select count(*) from parted) > 0 -- else nobody has to be read
    and not exists (
        select from pg_temp.plan_row as own
        where own.person_id = member.person_id and own.identifier_hash = member.identifier_hash
    )
