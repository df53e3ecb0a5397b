-- Closes one try.
update audience.sync
set
    added = %(added)s,
    updated = %(updated)s,
    removed = %(removed)s,
    rejected = %(rejected)s,
    confirmed = %(confirmed)s,
    outcome = %(outcome)s,
    error_class = %(error_class)s,
    error_code = %(error_code)s,
    ended_at = %(at)s
where sync_id = %(sync_id)s
