-- One row: how many records there are to stitch. Decides who contracts the graph.
select count(*) as records
from identity.work_scope
