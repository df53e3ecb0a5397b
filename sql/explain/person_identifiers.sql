-- One row per identifier that a record of a person carries: how many of the person's records it joins, how many links of it
-- are dropped, where it comes from, since when, and how many records carry it in all.
with

mine as (
    select
        edge.identifier_id,
        count(*) filter (where edge.dropped_reason is null) as joins,
        count(*) filter (where edge.dropped_reason is not null) as dropped,
        array_agg(distinct record.stream) as streams,
        min(record.first_seen_at) as first_seen_at
    from identity.record
    inner join identity.edge on record.record_id = edge.record_id
    where record.person_id = %(person_id)s
    group by edge.identifier_id
)

select
    identifier.identifier_id,
    identifier.type,
    identifier.value,
    mine.joins,
    mine.dropped,
    mine.streams,
    mine.first_seen_at,
    identifier.blocked_reason,
    (
        select count(*)
        from identity.edge
        where edge.identifier_id = identifier.identifier_id
    ) as carried_by,
    count(*) over () as of_identifiers
from mine
inner join identity.identifier on mine.identifier_id = identifier.identifier_id
order by mine.joins desc, identifier.type, mine.first_seen_at, identifier.value
limit %(most)s
