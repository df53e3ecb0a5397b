-- One row per record and identifier it carries.
insert into identity.edge as e (record_id, identifier_id, raw_value)
select
    record_id,
    identifier_id,
    raw_value
from identity.work_carried
on conflict (record_id, identifier_id) do update
    set raw_value = excluded.raw_value
    where e.raw_value is distinct from excluded.raw_value
