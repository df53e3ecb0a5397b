-- One row per identifier whose carriers may have changed.
insert into identity.work_identifier (identifier_id)
select distinct e.identifier_id
from identity.work_touched as t
inner join identity.edge as e on t.record_id = e.record_id
on conflict (identifier_id) do nothing
