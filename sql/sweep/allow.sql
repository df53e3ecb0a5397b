-- At most one row: the stream's last sweep, if it was refused; the next one may delete as many.
update ops.sweep
set
    allowed_by = %(who)s,
    allowed_at = now()
where
    sweep_id = (select max(newest.sweep_id) from ops.sweep as newest where newest.stream = %(stream)s)
    and state = 'refused'
returning gone_records
