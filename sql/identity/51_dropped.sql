-- One row per link that is dropped from now on, or no longer: its record is withdrawn, or its value is blocked.
with

wanted as (
    select
        e.record_id,
        e.identifier_id,
        case when r.withdrawn_at is not null then 'record withdrawn' else i.blocked_reason end as reason
    from identity.work_touched as t
    inner join identity.edge as e on e.record_id = t.record_id
    inner join identity.record as r on r.record_id = e.record_id
    inner join identity.identifier as i on i.identifier_id = e.identifier_id
    where
        e.dropped_reason is distinct from
        case when r.withdrawn_at is not null then 'record withdrawn' else i.blocked_reason end
)

update identity.edge as e
set dropped_reason = w.reason
from wanted as w
where
    e.record_id = w.record_id
    and e.identifier_id = w.identifier_id
