-- One row per change of a stream's columns, newest first; the waiting ones are those that somebody may accept.
select
    drift_id,
    stream,
    part,
    path,
    kind,
    expected,
    found,
    mode,
    state,
    rows,
    of_rows,
    first_seen_at,
    last_seen_at,
    decided_by
from ops.schema_drift
where
    (%(stream)s::text is null or stream = %(stream)s)
    and (not %(waiting)s or state in ('open', 'discarded'))
order by last_seen_at desc, drift_id desc
