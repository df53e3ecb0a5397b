-- Forget what was unusable on the records that are read anew.
delete from identity.unusable_value as u
using identity.work_source as s, identity.record as r
where
    r.stream = s.stream
    and r.record_key = s.record_key
    and u.record_id = r.record_id
