-- At most one row: the newest result of the check, when it failed and waits for somebody.
update ops.cross_result
set
    accepted_by = %(who)s,
    accepted_at = now()
where
    cross_id = (select max(c.cross_id) from ops.cross_result as c where c.check_name = %(check_name)s)
    and not passed
    and accepted_by is null
