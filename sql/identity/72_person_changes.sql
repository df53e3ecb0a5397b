-- One row per person that gave records to another one: a merge when it lives on there, a split when a part of it left.
insert into identity.person_change (kind, from_person_id, to_person_id, changed_at)
select distinct
    case when f.successor = a.person_id then 'merge' else 'split' end,
    s.former_person_id,
    a.person_id,
    %(at)s::timestamptz
from identity.work_scope as s
inner join identity.work_assignment as a on s.record_id = a.record_id
inner join identity.work_former as f on s.former_person_id = f.person_id
where a.person_id <> s.former_person_id
