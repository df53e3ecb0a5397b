-- One row per link that a live record looked at tonight no longer has; who else carries the value is counted anew.
with

gone as (
    delete from identity.edge as e
    using identity.work_touched as t, identity.record as r
    where
        e.record_id = t.record_id
        and r.record_id = t.record_id
        and r.withdrawn_at is null
        and exists (
            select from identity.work_source as s
            where
                s.stream = r.stream
                and s.record_key = r.record_key
        )
        and not exists (
            select from identity.work_carried as w
            where
                w.record_id = e.record_id
                and w.identifier_id = e.identifier_id
        )
    returning e.identifier_id
)

insert into identity.work_identifier (identifier_id)
select distinct identifier_id
from gone
on conflict (identifier_id) do nothing
