-- The components that are stitched link by link come back in parts.
delete from identity.work_component as c
using identity.work_limited as m
where c.record_id = m.record_id
