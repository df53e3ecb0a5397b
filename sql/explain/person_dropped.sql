-- One row per link of a person's records that joins nobody, and why: a blocked value, a limit, a split pin.
select
    record.record_id,
    record.stream,
    record.record_key,
    identifier.identifier_id,
    identifier.type,
    identifier.value,
    identifier.blocked_reason,
    edge.dropped_reason,
    refused.limited_type,
    refused.limit_count,
    refused.limit_per,
    refused.split_pin_id,
    refused.refused_at,
    count(*) over () as of_links
from identity.record
inner join identity.edge on record.record_id = edge.record_id
inner join identity.identifier on edge.identifier_id = identifier.identifier_id
left join identity.refused_link as refused
    on edge.refused and edge.record_id = refused.record_id and edge.identifier_id = refused.identifier_id
where record.person_id = %(person_id)s and edge.dropped_reason is not null
order by identifier.type, identifier.value, record.stream collate "C", record.record_key collate "C"
limit %(most)s
