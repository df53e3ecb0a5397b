-- One row per held entry that fits: named by id, or by rule (and stream).
update ops.quarantine
set
    state = 'released',
    released_at = now(),
    released_by = %(who)s
where
    state = 'held'
    and (%(ids)s::bigint[] is null or quarantine_id = any(%(ids)s))
    and (%(stream)s::text is null or stream = %(stream)s)
    and (%(rule)s::text is null or rule = %(rule)s)
