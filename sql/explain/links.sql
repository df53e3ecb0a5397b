-- One row per link named by two arrays in one order: since when it is known, why it is dropped, and which limit or split pin
-- refused it.
select
    edge.record_id,
    edge.identifier_id,
    edge.first_seen_at,
    edge.dropped_reason,
    refused.limited_type,
    refused.limit_count,
    refused.limit_per,
    refused.split_pin_id
from unnest(%(records)s::bigint[], %(identifiers)s::bigint[]) as asked (record_id, identifier_id)
inner join identity.edge on asked.record_id = edge.record_id and asked.identifier_id = edge.identifier_id
left join identity.refused_link as refused
    on edge.refused and edge.record_id = refused.record_id and edge.identifier_id = refused.identifier_id
