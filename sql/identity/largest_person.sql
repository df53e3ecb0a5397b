-- One row: the most records that any person has, and how many persons have more than `above`.
select
    coalesce(max(record_count), 0) as largest,
    count(*) filter (where record_count > %(above)s) as persons
from identity.person
