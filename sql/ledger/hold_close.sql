-- A hold that is used up, or that a newer one replaces.
update audience.hold
set state = 'closed'
where audience_id = %(audience_id)s and state in ('open', 'approved', 'rejected')
