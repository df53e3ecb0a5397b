-- At most one row: today's id of a person of today or of the past, also of one of whom only history is left.
with

known as (
    select person_id
    from identity.redirect
    where old_person_id = %(person_id)s

    union all

    select %(person_id)s::uuid
    where
        exists (select from identity.person where person.person_id = %(person_id)s)
        or exists (select from profile.person where person.person_id = %(person_id)s)
        or exists (select from segment.membership where membership.person_id = %(person_id)s)
        or exists (select from audience.delivery where delivery.person_id = %(person_id)s)
)

select person_id
from known
limit 1
