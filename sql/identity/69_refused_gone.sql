-- One row per refusal in scope that no longer holds, or holds for another reason.
delete from identity.refused_link as o
using identity.work_scope as s
where
    o.record_id = s.record_id
    and not exists (
        select from identity.work_refused as w
        where
            w.record_id = o.record_id
            and w.kind = o.kind
            and w.identifier_id is not distinct from o.identifier_id
            and w.source_id is not distinct from o.source_id
            and w.reason = o.reason
            and w.limited_type is not distinct from o.limited_type
            and w.limit_count is not distinct from o.limit_count
            and w.limit_per is not distinct from o.limit_per
            and w.split_pin_id is not distinct from o.split_pin_id
    )
