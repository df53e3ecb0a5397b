-- One row per record: a rebuild stitches all of them.
insert into identity.work_scope (record_id, former_person_id)
select
    record_id,
    person_id
from identity.record
