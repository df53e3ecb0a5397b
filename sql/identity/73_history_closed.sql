-- One row per record that left its person.
update identity.record_history as h
set valid_to = %(at)s
from identity.work_scope as s
left join identity.work_assignment as a on s.record_id = a.record_id
where
    h.record_id = s.record_id
    and s.former_person_id is not null -- the others have no open row
    and h.valid_to is null
    and a.person_id is distinct from s.former_person_id
