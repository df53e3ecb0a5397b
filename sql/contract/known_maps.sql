-- One row per object of a stream whose keys are data, not columns.
select distinct steps
from ops.known_column
where
    stream = %(stream)s
    and types @> '{map}'
