-- What this try set out to do.
update audience.sync
set
    plan_hash = %(plan_hash)s,
    planned_add = %(adds)s,
    planned_update = %(updates)s,
    planned_remove = %(removes)s,
    held_remove = %(held)s,
    parked = %(parked)s,
    hold_reason = %(reason)s
where sync_id = %(sync_id)s
