-- One row per link of a person's records, those of the first records only when there are very many: with what a drawing shows
-- of both ends. A record without any identifier is a row too.
with

drawn as (
    select
        record_id,
        stream,
        record_key,
        first_seen_at
    from identity.record
    where person_id = %(person_id)s
    order by first_seen_at, stream collate "C", record_key collate "C"
    limit %(most)s
)

select
    drawn.record_id,
    drawn.stream,
    drawn.record_key,
    drawn.first_seen_at,
    identifier.identifier_id,
    identifier.type,
    identifier.value,
    identifier.blocked_reason,
    edge.dropped_reason,
    refused.limited_type,
    refused.limit_count,
    refused.limit_per,
    refused.split_pin_id,
    (
        select count(*)
        from identity.edge as carried
        where carried.identifier_id = identifier.identifier_id
    ) as carried_by
from drawn
left join identity.edge on drawn.record_id = edge.record_id
left join identity.identifier on edge.identifier_id = identifier.identifier_id
left join identity.refused_link as refused
    on edge.refused and edge.record_id = refused.record_id and edge.identifier_id = refused.identifier_id
order by drawn.first_seen_at, drawn.record_id, identifier.type, identifier.identifier_id
