-- One row per record that came to a person.
insert into identity.record_history (record_id, person_id, valid_from)
select
    a.record_id,
    a.person_id,
    %(at)s
from identity.work_assignment as a
inner join identity.work_scope as s on a.record_id = s.record_id
where a.person_id is distinct from s.former_person_id
