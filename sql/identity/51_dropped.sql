-- One row per link that is dropped from now on, or no longer: its record is withdrawn, or its value is blocked. Looks only at
-- links that are dropped now or have a reason to be. What the stitching refused is its own to take back.
with

candidate as (
    select e.record_id, e.identifier_id
    from identity.edge as e
    inner join identity.work_touched as t on e.record_id = t.record_id
    where e.dropped_reason is not null
    union
    select e.record_id, e.identifier_id
    from identity.record as r
    inner join identity.work_touched as t on r.record_id = t.record_id
    inner join identity.edge as e on r.record_id = e.record_id
    where r.withdrawn_at is not null
    union
    select e.record_id, e.identifier_id
    from identity.identifier as i
    inner join identity.edge as e on i.identifier_id = e.identifier_id
    inner join identity.work_touched as t on e.record_id = t.record_id
    where i.blocked_reason is not null
),

wanted as (
    select
        c.record_id,
        c.identifier_id,
        case when r.withdrawn_at is not null then 'record withdrawn' else i.blocked_reason end as reason
    from candidate as c
    inner join identity.record as r on c.record_id = r.record_id
    inner join identity.identifier as i on c.identifier_id = i.identifier_id
)

update identity.edge as e
set
    dropped_reason = w.reason,
    refused = false
from wanted as w
where
    e.record_id = w.record_id
    and e.identifier_id = w.identifier_id
    and e.dropped_reason is distinct from w.reason
    and not (e.refused and w.reason is null)
