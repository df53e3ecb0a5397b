-- One row per identifier: with another threshold the carriers of all are counted anew.
insert into identity.work_identifier (identifier_id)
select identifier_id
from identity.identifier
on conflict (identifier_id) do nothing
