-- One row per change that is no more: a lost column that came back, a new one that was learned, a kind of value that is known.
update ops.schema_drift as d
set state = 'over'
from ops.known_column as k
where
    d.stream = %(stream)s
    and d.state in ('evolved', 'accepted')
    and k.stream = d.stream
    and k.part = d.part
    and k.path = d.path
    and k.state = 'known'
    and (
        (d.kind = 'lost_column' and k.last_batch_id = any(%(batch_ids)s::bigint[]))
        or (d.kind = 'new_column' and d.state = 'accepted')
        or (d.kind = 'changed_type' and d.state = 'accepted' and d.found = any(k.types))
    )
