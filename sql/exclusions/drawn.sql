-- How far an audience's members are drawn.
update audience.exclusion_state
set membership_id = %(membership_id)s
where audience_id = %(audience_id)s and membership_id < %(membership_id)s
