-- An approval whose removals have gone out.
update audience.hold
set state = 'closed', closed_at = %(at)s
where audience_id = %(audience_id)s and state = 'approved'
