-- Members who share an identifier with a leaver of whom another identifier is removed: they are sent again after the
-- removal. A platform may hold the two as one and let both go.
with

parted as (
    select
        case when 'email' = any(plan_row.kept) then plan_row.email_key end as email_key,
        case when 'phone' = any(plan_row.kept) then plan_row.phone_key end as phone_key
    from pg_temp.plan_row
    inner join audience.member
        on
            member.audience_id = %(audience_id)s
            and plan_row.person_id = member.person_id
            and plan_row.identifier_hash = member.identifier_hash
    where
        plan_row.operation = 'remove'
        and plan_row.kept <> '{}'
        and coalesce(member.sent_identifiers, member.attempt_identifiers, '{}') - plan_row.kept <> '{}'
),

holders as (
    select sharing.*
    from pg_temp.sharing
    where sharing.email_key in (select parted.email_key from parted)
    union
    select sharing.*
    from pg_temp.sharing
    where sharing.phone_key in (select parted.phone_key from parted)
)

insert into pg_temp.plan_row (
    operation, person_id, identifier_hash, email_key, phone_key, payload_hash, row_hash, membership_id, consent_id,
    segment_version, was_present
)
select
    'update',
    holders.person_id,
    holders.identifier_hash,
    holders.email_key,
    holders.phone_key,
    holders.payload_hash,
    person.row_hash,
    stay.membership_id,
    holders.consent_id,
    stay.version,
    true
from holders
inner join profile.person on holders.person_id = person.person_id
inner join segment.membership as stay
    on stay.segment = %(segment)s and holders.person_id = stay.person_id and stay.left_at is null
where
    not exists (
        select from pg_temp.plan_row as own
        where own.person_id = holders.person_id and own.identifier_hash = holders.identifier_hash
    )
