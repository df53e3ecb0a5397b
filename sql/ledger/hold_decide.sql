-- A person's answer to an open hold; touches no row when it is no longer open.
update audience.hold
set state = %(state)s, decided_at = %(at)s, decided_by = %(who)s
where hold_id = %(hold_id)s and state = 'open'
