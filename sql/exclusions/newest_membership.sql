-- One row: the number of the newest stay in a segment, not below `after`.
select greatest(coalesce(max(membership_id), 0), %(after)s) as membership_id
from segment.membership
where membership_id > %(after)s and segment = %(segment)s
