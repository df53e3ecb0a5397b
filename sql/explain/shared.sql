-- One row per identifier that both sides carry, and why it does not join them. A side: the records of some persons, and some
-- records besides.
with

ours as (
    select
        edge.identifier_id,
        min(edge.dropped_reason) as reason
    from identity.record
    inner join identity.edge on record.record_id = edge.record_id
    where record.person_id = any(%(persons_a)s::uuid[]) or record.record_id = any(%(records_a)s::bigint[])
    group by edge.identifier_id
),

theirs as (
    select
        edge.identifier_id,
        min(edge.dropped_reason) as reason
    from identity.record
    inner join identity.edge on record.record_id = edge.record_id
    where record.person_id = any(%(persons_b)s::uuid[]) or record.record_id = any(%(records_b)s::bigint[])
    group by edge.identifier_id
)

select
    identifier.identifier_id,
    identifier.type,
    identifier.value,
    coalesce(identifier.blocked_reason, ours.reason, theirs.reason) as why_not
from ours
inner join theirs on ours.identifier_id = theirs.identifier_id
inner join identity.identifier on ours.identifier_id = identifier.identifier_id
order by identifier.type, identifier.value
limit %(most)s
