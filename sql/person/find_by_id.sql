-- At most one row: today's id of a person of today or of the past, also of one of whom only history is left.
with

asked as (
    select %(person_id)s::uuid as person_id
),

known as (
    select person_id from identity.person
    union all
    select person_id from profile.person
    union all
    select person_id from segment.membership
    union all
    select person_id from audience.delivery
)

select coalesce(redirect.person_id, asked.person_id) as person_id
from asked
left join identity.redirect as redirect on asked.person_id = redirect.old_person_id
where
    redirect.person_id is not null
    or exists (
        select from known
        where known.person_id = asked.person_id
    )
