-- One row per million records of the components that are stitched link by link, packed.
select string_agg(int8send(record_id), '') as records
from identity.work_limited
group by record_id >> 20
