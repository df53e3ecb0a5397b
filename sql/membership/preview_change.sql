-- One row: all persons there are, and who would enter and leave the segment if it were built now.
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
    count(*) filter (where before_id is null) as would_enter,
    count(*) filter (where after_id is null) as would_leave
from compared
