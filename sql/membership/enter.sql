-- One row per person whose stay in a segment begins: among the persons it gives today, not in it until now.
insert into segment.membership (segment, person_id, version, entered_at)
select
    %(segment)s,
    segment_people.person_id,
    %(version)s,
    %(at)s
from pg_temp.segment_people
where
    not exists (
        select from segment.membership as stay
        where
            stay.segment = %(segment)s
            and stay.left_at is null
            and stay.person_id = segment_people.person_id
    )
