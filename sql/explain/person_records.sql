-- One row per record of a person, oldest first: since when it is the person's, and by how many links it joins.
select
    record.record_id,
    record.stream,
    record.record_key,
    record.shape,
    record.first_seen_at,
    (
        select history.valid_from
        from identity.record_history as history
        where history.record_id = record.record_id and history.valid_to is null
    ) as here_since,
    (
        select count(*)
        from identity.edge
        where edge.record_id = record.record_id and edge.dropped_reason is null
    ) as links,
    count(*) over () as of_records
from identity.record
where record.person_id = %(person_id)s
order by record.first_seen_at, record.stream collate "C", record.record_key collate "C"
limit %(most)s
