-- One row per record whose person changed; a withdrawn record has none.
update identity.record as r
set person_id = a.person_id
from identity.work_scope as s
left join identity.work_assignment as a on s.record_id = a.record_id
where
    r.record_id = s.record_id
    and a.person_id is distinct from s.former_person_id
