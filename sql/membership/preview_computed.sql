-- Members of a segment that was just computed, for a segment that builds on it.
insert into pg_temp.segment_preview (segment, person_id)
select
    %(segment)s,
    person_id
from pg_temp.segment_people
