-- One row per stream that has a batch behind a failed check: nothing may be built on what stands before it.
select distinct stream
from ops.batch
where state = 'failed'
order by stream
