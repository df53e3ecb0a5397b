-- One row per column that was discarded when it was new, and is part of the contract from now on.
update ops.known_column as k
set state = 'known'
from ops.schema_drift as d
where
    d.stream = %(stream)s
    and d.path = any(%(paths)s::text[])
    and d.kind = 'new_column'
    and d.state = 'accepted'
    and k.stream = d.stream
    and k.part = d.part
    and k.path = d.path
    and k.state = 'discarded'
