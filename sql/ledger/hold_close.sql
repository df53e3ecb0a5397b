-- A hold whose danger has passed, or that a newer one replaces.
update audience.hold
set state = 'closed', closed_at = %(at)s
where audience_id = %(audience_id)s and state in ('open', 'approved', 'rejected')
