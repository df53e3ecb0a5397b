-- One row per record that shares its values with nobody: its own root. It may have more values than a limit allows.
insert into identity.work_component (record_id, root)
select distinct
    e.record_id,
    e.record_id as root
from identity.work_scope as s
inner join identity.edge as e on s.record_id = e.record_id
where e.dropped_reason is null or e.refused
on conflict (record_id) do nothing
