-- One row per golden record whose person is no more.
delete from profile.person as o
using identity.work_former as f
where
    o.person_id = f.person_id
    and f.successor is distinct from f.person_id
