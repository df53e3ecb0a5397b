-- Persons of whom the platform did not acknowledge what they are today: one row a membership and line of the ledger that
-- differ. `row_hash` is of the whole person, so it decides without looking at a single field; it is kept with what was sent
-- only as long as the destination treats fields as it did then (see forget_treatment). Narrow on purpose: everybody passes
-- through here, hardly anybody comes out.
-- Desired: in the segment today, consent granted for the destination's purpose (no statement: no), not excluded,
-- reachable by an identifier the destination takes, still a person. A merged person's membership counts for today's.
create temporary table differing on commit drop as
with

reachable as (
    select
        person.person_id,
        person.row_hash,
        person_consent.consent_id
    from profile.person
    inner join consent.person_consent
        on
            person.person_id = person_consent.person_id
            and person_consent.purpose = %(purpose)s
            and person_consent.state = 'granted'
    where
        %(active)s
        and (
            ('email' = any(%(identifiers)s::text[]) and person.email is not null)
            or ('phone' = any(%(identifiers)s::text[]) and person.phone is not null)
        )
        and (
            not %(exclusions)s
            or person.person_id not in (
                select excluded.person_id from audience.excluded
                where excluded.audience_id = %(audience_id)s
            )
        )
),

people as (
    select
        reachable.*,
        member.membership_id,
        member.version,
        true as own
    from segment.membership as member
    inner join reachable on member.person_id = reachable.person_id
    where member.segment = %(segment)s and member.left_at is null
    union all
    select
        reachable.*,
        member.membership_id,
        member.version,
        false as own
    from identity.redirect
    inner join segment.membership as member on redirect.old_person_id = member.person_id
    inner join reachable on redirect.person_id = reachable.person_id
    where member.segment = %(segment)s and member.left_at is null
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
    people.person_id is not null as wanted,
    people.own,
    people.membership_id,
    people.version,
    people.consent_id
from people
full join ledger on people.person_id = ledger.person_id
where people.row_hash is null or ledger.row_hash is null or people.row_hash <> ledger.row_hash
