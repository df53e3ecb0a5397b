-- Persons of whom the platform did not acknowledge what they are today: one row a membership and line of the ledger that
-- differ. `row_hash` is of the whole person, so it decides without looking at a single field; it is kept with what was sent
-- only as long as the destination treats fields as it did then (see forget_treatment). Narrow on purpose: everybody passes
-- through the full join, hardly anybody comes out, and what else is wanted of those is looked up in `concerned`. For the
-- same reason the rare, merged and excluded people, are joined with what comes out: with everybody, a join with an empty
-- table still costs one pass.
-- Desired: in the segment today, consent granted for the destination's purpose (no statement: no), not excluded,
-- reachable by an identifier the destination takes, still a person. A merged person's membership counts for today's.
create temporary table differing on commit drop as
with

reachable as not materialized (
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
        ('email' = any(%(identifiers)s::text[]) and person.email is not null)
        or ('phone' = any(%(identifiers)s::text[]) and person.phone is not null)
),

members as not materialized (
    select
        membership.person_id,
        membership.membership_id,
        membership.version
    from segment.membership
    where %(active)s and membership.segment = %(segment)s and membership.left_at is null
),

people as (
    select
        reachable.person_id,
        reachable.row_hash,
        reachable.consent_id,
        members.membership_id,
        members.version
    from members
    inner join reachable on members.person_id = reachable.person_id
),

ledger as not materialized (
    select
        member.person_id,
        member.row_hash,
        member.attempt_state
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
        people.consent_id,
        case when people.membership_id is not null then true end as own,
        ledger.attempt_state is not null as attempted
    from people
    full join ledger on people.person_id = ledger.person_id
    where (people.row_hash = ledger.row_hash and ledger.attempt_state is null) is not true
    union all
    -- members by somebody who was merged into them, whatever the ledger says of them
    select
        reachable.person_id,
        members.membership_id,
        members.version,
        reachable.consent_id,
        false,
        false
    from identity.redirect
    inner join members on redirect.old_person_id = members.person_id
    inner join reachable on redirect.person_id = reachable.person_id
)

select compared.*
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
    null,
    null,
    ledger.attempt_state is not null
from audience.excluded
inner join ledger on excluded.person_id = ledger.person_id
where %(exclusions)s and excluded.audience_id = %(audience_id)s
