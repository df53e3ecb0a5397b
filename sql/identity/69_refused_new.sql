-- One row per link that the stitching refuses and that is not on record as refused.
insert into identity.refused_link (
    kind, record_id, identifier_id, other_record_id, source_id,
    reason, limited_type, limit_count, limit_per, split_pin_id, refused_at
)
select
    w.kind,
    w.record_id,
    w.identifier_id,
    w.other_record_id,
    w.source_id,
    w.reason,
    w.limited_type,
    w.limit_count,
    w.limit_per,
    w.split_pin_id,
    %(at)s
from identity.work_refused as w
where not exists (
    select from identity.refused_link as o
    where
        o.record_id = w.record_id
        and o.kind = w.kind
        and o.identifier_id is not distinct from w.identifier_id
        and o.source_id is not distinct from w.source_id
)
