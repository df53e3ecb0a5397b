-- Members whose own record at this platform was deleted there since it acknowledged them: one row each. Nobody told the
-- ledger, and the platform may no longer hold them; what was sent is forgotten, so that they are sent once more and the
-- answer decides. Only for platforms that are read as a source too; their streams bear the destination's name.
update audience.member
set
    payload_hash = null,
    row_hash = null
from identity.record
inner join identity.record_history using (record_id)
left join identity.redirect on record_history.person_id = redirect.old_person_id
where
    record.stream = any(%(streams)s::text[])
    and record.withdrawn_at is not null
    and record.shape = 'person'
    and member.audience_id = %(audience_id)s
    and member.person_id = coalesce(redirect.person_id, record_history.person_id)
    and member.acknowledged = 'present'
    and member.attempt_state is null
    and member.acknowledged_at < record.withdrawn_at
