-- One row per given batch whose columns were not looked at yet.
select b.batch_id
from unnest(%(batch_ids)s::bigint[]) as b (batch_id)
where not exists (select from ops.observed_column as o where o.batch_id = b.batch_id)
order by b.batch_id
