-- Persons whose rows in the plan have to be worked out: all but those of whom the platform acknowledged what they are
-- today. One row each. `row_hash` is of the whole person, so it decides without looking at a single field; it is kept
-- with what was sent only as long as the destination treats fields as it did then (see forget_treatment). A table,
-- because its select runs on several cores, and because the plan then knows how few they are.
create temporary table concerned on commit drop as
with

wanted as (
    select
        member.person_id,
        member.membership_id
    from segment.membership as member
    where
        member.segment = %(segment)s
        and member.left_at is null
        and %(active)s
        and not exists (select from identity.redirect where redirect.old_person_id = member.person_id)
    union all
    select
        redirect.person_id,
        max(member.membership_id) as membership_id
    from segment.membership as member
    inner join identity.redirect on member.person_id = redirect.old_person_id
    where
        member.segment = %(segment)s
        and member.left_at is null
        and %(active)s
        and not exists (
            select from segment.membership as own
            where own.segment = member.segment and own.person_id = redirect.person_id and own.left_at is null
        )
    group by redirect.person_id
),

people as (
    select
        wanted.person_id,
        person.row_hash
    from wanted
    inner join profile.person on wanted.person_id = person.person_id
    inner join consent.person_consent
        on
            wanted.person_id = person_consent.person_id
            and person_consent.purpose = %(purpose)s
            and person_consent.state = 'granted'
    where
        ('email' = any(%(identifiers)s::text[]) and person.email is not null)
        or ('phone' = any(%(identifiers)s::text[]) and person.phone is not null)
),

ledger as (
    select
        member.person_id,
        member.acknowledged = 'present' or member.attempt_state is not null as matters,
        case when member.acknowledged = 'present' and member.attempt_state is null then member.row_hash end as row_hash
    from audience.member
    where member.audience_id = %(audience_id)s
)

select distinct
    coalesce(people.person_id, ledger.person_id) as person_id,
    people.row_hash
from people
full join ledger on people.person_id = ledger.person_id
where
    (people.person_id is not null or ledger.matters)
    and (people.row_hash is null or ledger.row_hash is null or people.row_hash <> ledger.row_hash)
