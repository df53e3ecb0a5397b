-- One row per object or list that a stream's records are known to have.
select distinct
    steps,
    types
from ops.known_column
where
    stream = %(stream)s
    and types && '{object,array}'
