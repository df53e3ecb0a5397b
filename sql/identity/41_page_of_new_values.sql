-- One row per raw value that has no normal form yet, in pages by value_id.
select
    type,
    raw_value,
    country
from identity.work_new_value
where
    value_id > %(after)s
    and value_id <= %(upto)s
