-- Members of a segment whose newest build is of today's definition, for a segment that builds on it.
insert into pg_temp.segment_preview (segment, person_id)
select
    segment,
    person_id
from segment.current
where segment = %(segment)s
