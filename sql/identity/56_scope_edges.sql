-- How many links there are to stitch: decides who contracts the graph.
select count(*) as edges
from identity.work_scope as s
inner join identity.edge as e on s.record_id = e.record_id
where e.dropped_reason is null or e.refused
