-- One row per change that waited and passes from now on.
update ops.schema_drift
set
    state = 'accepted',
    decided_by = %(who)s,
    decided_at = now()
where
    stream = %(stream)s
    and state in ('open', 'discarded')
    and (%(paths)s::text[] is null or path = any(%(paths)s))
returning
    drift_id, stream, part, path, kind, expected, found, mode, state, rows, of_rows, first_seen_at, last_seen_at, decided_by
