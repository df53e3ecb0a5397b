-- Persons of whom the platform did not acknowledge what they are today: one row a membership and line of the ledger that
-- differ. `row_hash` is of the whole person, so it decides without looking at a single field; it is kept with what was sent
-- only as long as the destination treats fields as it did then (see forget_treatment). Narrow on purpose: everybody passes
-- through here, hardly anybody comes out, and what else is wanted of those is looked up in `concerned`. For the same reason
-- the rare, merged and excluded people, are no joins of everybody: a join with an empty table still costs one pass.
-- Desired: in the segment today, consent granted for the destination's purpose (no statement: no), not excluded,
-- reachable by an identifier the destination takes, still a person. A merged person's membership counts for today's.
create temporary table differing on commit drop as
with

members as (
    select
        membership.person_id,
        membership.membership_id,
        membership.version,
        true as own
    from segment.membership
    where %(active)s and membership.segment = %(segment)s and membership.left_at is null
    union all
    select
        redirect.person_id,
        membership.membership_id,
        membership.version,
        false
    from identity.redirect
    inner join segment.membership on redirect.old_person_id = membership.person_id
    where %(active)s and membership.segment = %(segment)s and membership.left_at is null
),

people as (
    select
        person.person_id,
        person.row_hash,
        members.membership_id,
        members.version,
        members.own
    from members
    inner join profile.person on members.person_id = person.person_id
    where
        (
            ('email' = any(%(identifiers)s::text[]) and person.email is not null)
            or ('phone' = any(%(identifiers)s::text[]) and person.phone is not null)
        )
        and exists (
            select from consent.person_consent
            where
                person.person_id = person_consent.person_id
                and person_consent.purpose = %(purpose)s
                and person_consent.state = 'granted'
        )
),

ledger as not materialized ( -- of the excluded it is read by key
    select
        member.person_id,
        case when member.attempt_state is null then member.row_hash end as row_hash
    from audience.member
    where
        member.audience_id = %(audience_id)s
        and (member.acknowledged = 'present' or member.attempt_state is not null)
),

compared as (
    select
        coalesce(people.person_id, ledger.person_id) as person_id,
        people.membership_id,
        people.version,
        people.own
    from people
    full join ledger on people.person_id = ledger.person_id
    where people.row_hash is null or ledger.row_hash is null or people.row_hash <> ledger.row_hash
)

select
    compared.person_id,
    compared.membership_id,
    compared.version,
    compared.own
from compared
where
    not exists (
        select from audience.excluded
        where
            %(exclusions)s
            and excluded.audience_id = %(audience_id)s
            and excluded.person_id = compared.person_id
    )
union all
-- the excluded may not stay, whatever they are today
select
    ledger.person_id,
    null,
    null,
    null
from audience.excluded
inner join ledger on excluded.person_id = ledger.person_id
where %(exclusions)s and excluded.audience_id = %(audience_id)s
