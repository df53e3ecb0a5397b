-- At most one row: the candidate that passed its checks and waits to be published.
select
    batch_ids,
    released_ids,
    row_count
from checking.candidate
where
    stream = %(stream)s
    and checked
