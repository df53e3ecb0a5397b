-- Tries of this audience that never came to an end: the caller holds the audience's lock, so nobody works on them.
update audience.sync
set outcome = 'failed', error_class = 'lost', error_code = 'killed', ended_at = %(at)s
where audience_id = %(audience_id)s and ended_at is null
