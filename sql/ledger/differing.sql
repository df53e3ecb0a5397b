-- Persons of whom the platform did not acknowledge what they are today: one row a membership and line of the ledger that
-- differ. `row_hash` is of the whole person, so it decides without looking at a single field; it is kept with what was sent
-- only as long as the destination treats fields as it did then (see forget_treatment). Narrow on purpose: everybody passes
-- through here, hardly anybody comes out, and what else is wanted of those is looked up in `concerned`.
-- Desired: in the segment today, consent granted for the destination's purpose (no statement: no), not excluded,
-- reachable by an identifier the destination takes, still a person. A merged person's membership counts for today's.
create temporary table differing on commit drop as
with

people as (
    select
        person.person_id,
        person.row_hash,
        member.membership_id
    from segment.membership as member
    left join identity.redirect on member.person_id = redirect.old_person_id
    inner join profile.person on coalesce(redirect.person_id, member.person_id) = person.person_id
    where
        %(active)s
        and member.segment = %(segment)s
        and member.left_at is null
        and (
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
        and not exists (
            select from audience.excluded
            where
                %(exclusions)s
                and excluded.audience_id = %(audience_id)s
                and excluded.person_id = person.person_id
        )
),

ledger as (
    select
        member.person_id,
        case when member.attempt_state is null then member.row_hash end as row_hash
    from audience.member
    where
        member.audience_id = %(audience_id)s
        and (member.acknowledged = 'present' or member.attempt_state is not null)
)

select
    coalesce(people.person_id, ledger.person_id) as person_id,
    people.membership_id
from people
full join ledger on people.person_id = ledger.person_id
where people.row_hash is null or ledger.row_hash is null or people.row_hash <> ledger.row_hash
