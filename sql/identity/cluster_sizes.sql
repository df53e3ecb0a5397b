-- One row per size of person in powers of two, smallest first.
select
    up_to,
    persons,
    records
from identity.cluster_size
order by up_to
