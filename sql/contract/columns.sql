-- One row per known column of a stream.
select
    part,
    path,
    array_to_string(types, ' or ') as types,
    state,
    rows,
    of_rows,
    first_seen_at,
    last_seen_at
from ops.known_column
where stream = %(stream)s
order by part, path
