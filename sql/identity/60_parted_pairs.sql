-- One row per pin that parts two records in scope.
select
    pin_id,
    record_id,
    other_record_id
from identity.work_split
order by pin_id
