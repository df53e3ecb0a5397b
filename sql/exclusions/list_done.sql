-- The list is worked out as it looked then.
update audience.exclusion_state
set list_seen = %(seen)s
where audience_id = %(audience_id)s
