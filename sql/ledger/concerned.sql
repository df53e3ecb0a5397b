-- Persons whose rows in the plan have to be worked out: all but those of whom the platform acknowledged what they are
-- today. One row each. `row_hash` is of the whole person, so it decides without looking at a single field; it is kept
-- with what was sent only as long as the destination treats fields as it did then (see forget_treatment). A table,
-- because its select runs on several cores, and because the plan then knows how few they are.
-- Whoever is wanted through a merged person's membership comes in by the second part, or by the ledger.
create temporary table concerned on commit drop as
with

people as (
    select
        member.person_id,
        person.row_hash
    from segment.membership as member
    inner join profile.person on member.person_id = person.person_id
    inner join consent.person_consent
        on
            member.person_id = person_consent.person_id
            and person_consent.purpose = %(purpose)s
            and person_consent.state = 'granted'
    where
        member.segment = %(segment)s
        and member.left_at is null
        and %(active)s
        and (
            ('email' = any(%(identifiers)s::text[]) and person.email is not null)
            or ('phone' = any(%(identifiers)s::text[]) and person.phone is not null)
        )
        and not exists (
            select from audience.excluded
            where excluded.audience_id = %(audience_id)s and excluded.person_id = member.person_id
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
    people.row_hash
from people
full join ledger on people.person_id = ledger.person_id
where people.row_hash is null or ledger.row_hash is null or people.row_hash <> ledger.row_hash
union
select
    redirect.person_id,
    null as row_hash
from identity.redirect
inner join segment.membership as member on redirect.old_person_id = member.person_id
where member.segment = %(segment)s and member.left_at is null and %(active)s
