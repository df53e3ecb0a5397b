-- One row per stay in a segment, under today's id or a former one; the open ones first.
select
    segment,
    person_id,
    entered_at as since,
    left_at as until,
    left_reason,
    version
from segment.membership
where person_id = any(%(ids)s::uuid[])
order by left_at is not null, segment, entered_at
