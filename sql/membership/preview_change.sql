-- One row: all persons there are, who would enter and leave the segment if it were built now, and how many of its members are
-- visitors who never said who they are.
with

inside as (
    select person_id
    from segment.current
    where segment = %(segment)s
),

compared as (
    select
        inside.person_id as before_id,
        segment_people.person_id as after_id
    from inside
    full outer join pg_temp.segment_people on inside.person_id = segment_people.person_id
)

select
    (select count(*) from profile.person) as persons,
    count(*) filter (where c.before_id is null) as would_enter,
    count(*) filter (where c.after_id is null) as would_leave,
    count(*) filter (where not p.is_known) as visitors
from compared as c
left join profile.person as p on c.after_id = p.person_id
