-- One row per identifier that a record of the person carries, and whether it joins records.
select
    identifier.type,
    identifier.value,
    count(*) as records,
    bool_or(edge.dropped_reason is null) and identifier.blocked_reason is null as joins,
    coalesce(identifier.blocked_reason, max(edge.dropped_reason)) as why_not
from identity.record
inner join identity.edge on record.record_id = edge.record_id
inner join identity.identifier on edge.identifier_id = identifier.identifier_id
where record.person_id = %(person_id)s
group by identifier.identifier_id, identifier.type, identifier.value, identifier.blocked_reason
order by identifier.type, identifier.value
