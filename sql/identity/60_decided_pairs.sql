-- One row per pin that merges, or accepted proposal, between two records in scope.
select
    kind,
    source_id,
    record_id,
    other_record_id
from identity.work_link
order by place
