-- One row per record that no source has any more: a deleted person record, a bundle that no order or event carries.
update identity.record as r
set withdrawn_at = %(at)s
from identity.work_touched as t
where
    r.record_id = t.record_id
    and r.withdrawn_at is null
    and case r.shape
        when 'person'
            then
                not exists (
                    select from identity.work_source as s
                    where
                        s.stream = r.stream
                        and s.record_key = r.record_key
                )
        else not exists (
            select from identity.bundle_row as b
            where b.record_id = r.record_id
        )
    end
