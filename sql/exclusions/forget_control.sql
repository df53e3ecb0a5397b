-- The control groups in force have changed: nobody is kept out by the former ones.
delete from audience.excluded
where audience_id = %(audience_id)s and reason = 'control'
