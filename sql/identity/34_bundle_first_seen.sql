-- A bundle was first seen with the oldest order or event that carries it today.
with

oldest as (
    select
        b.record_id,
        min(b.first_seen_at) as first_seen_at
    from identity.work_touched as t
    inner join identity.bundle_row as b on t.record_id = b.record_id
    group by b.record_id
)

update identity.record as r
set first_seen_at = o.first_seen_at
from oldest as o
where
    r.record_id = o.record_id
    and r.first_seen_at is distinct from o.first_seen_at
