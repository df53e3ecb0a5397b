-- One row per identifier named: its type and value, why it joins nobody, and how many live records carry it.
select
    identifier.identifier_id,
    identifier.type,
    identifier.value,
    identifier.blocked_reason,
    count(record.record_id) as records
from identity.identifier
left join identity.edge on identifier.identifier_id = edge.identifier_id
left join identity.record on edge.record_id = record.record_id and record.withdrawn_at is null
where identifier.identifier_id = any(%(identifiers)s::bigint[])
group by identifier.identifier_id, identifier.type, identifier.value, identifier.blocked_reason
