-- One row: whether each of the awaited streams has come since persons were last begun.
select count(*) = cardinality(%(awaited)s::text[]) as whole
from ops.arrival
where
    stream = any(%(awaited)s::text[])
    and came_at > coalesce(taken_at, '-infinity')
