-- One row per person with traits who is no more.
delete from profile.trait as t
where not exists (
    select from profile.person as p
    where p.person_id = t.person_id
)
