-- One row per link that the stitching refuses from now on, or no longer.
with

wanted as (
    select
        record_id,
        identifier_id,
        case reason
            when 'limit' then concat_ws(' ', 'limit:', limit_count, limited_type, limit_per)
            else 'split pin'
        end as dropped_reason
    from identity.work_refused
    where kind = 'identifier'
),

standing as (
    select
        e.record_id,
        e.identifier_id
    from identity.work_scope as s
    inner join identity.edge as e on s.record_id = e.record_id
    where
        e.dropped_reason is not null -- the partial index holds these few alone
        and e.refused
),

change as (
    select
        coalesce(w.record_id, o.record_id) as record_id,
        coalesce(w.identifier_id, o.identifier_id) as identifier_id,
        w.dropped_reason
    from wanted as w
    full join standing as o on w.record_id = o.record_id and w.identifier_id = o.identifier_id
)

update identity.edge as e
set
    dropped_reason = c.dropped_reason,
    refused = c.dropped_reason is not null
from change as c
where
    e.record_id = c.record_id
    and e.identifier_id = c.identifier_id
    and e.dropped_reason is distinct from c.dropped_reason
