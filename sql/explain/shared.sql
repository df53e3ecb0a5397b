-- One row per identifier that both sides carry, and what does not let it join them. A side: the records of some persons, and
-- some records besides.
with

ours as (
    select
        edge.identifier_id,
        min(edge.dropped_reason) as reason,
        min(edge.record_id) filter (where edge.refused) as refused_record
    from identity.record
    inner join identity.edge on record.record_id = edge.record_id
    where record.person_id = any(%(persons_a)s::uuid[]) or record.record_id = any(%(records_a)s::bigint[])
    group by edge.identifier_id
),

theirs as (
    select
        edge.identifier_id,
        min(edge.dropped_reason) as reason,
        min(edge.record_id) filter (where edge.refused) as refused_record
    from identity.record
    inner join identity.edge on record.record_id = edge.record_id
    where record.person_id = any(%(persons_b)s::uuid[]) or record.record_id = any(%(records_b)s::bigint[])
    group by edge.identifier_id
)

select
    identifier.identifier_id,
    identifier.type,
    identifier.value,
    identifier.blocked_reason,
    coalesce(ours.reason, theirs.reason) as dropped_reason,
    refused.limited_type,
    refused.limit_count,
    refused.limit_per,
    refused.split_pin_id
from ours
inner join theirs on ours.identifier_id = theirs.identifier_id
inner join identity.identifier on ours.identifier_id = identifier.identifier_id
left join identity.refused_link as refused
    on
        identifier.identifier_id = refused.identifier_id
        and coalesce(ours.refused_record, theirs.refused_record) = refused.record_id
order by identifier.type, identifier.value
limit %(most)s
