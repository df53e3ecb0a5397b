-- One row per example of persons that would join, the largest first, with a few links that hold then and do not now.
with

example as (
    select
        becomes as person_id,
        count(*) as persons,
        sum(records)::bigint as records,
        (array_agg(was order by was = becomes desc, was))[1:5] as of_persons
    from pg_temp.whatif_move
    group by becomes
    having count(*) > 1
    order by count(*) desc, becomes
    limit %(most)s
)

select
    example.person_id,
    example.persons,
    example.records,
    example.of_persons,
    link.type,
    link.value,
    link.reason
from example
left join lateral (
    select
        identifier.type,
        identifier.value,
        dropped.dropped_reason as reason
    from identity.record
    inner join identity.edge on record.record_id = edge.record_id
    inner join pg_temp.whatif_dropped as dropped
        on edge.record_id = dropped.record_id and edge.identifier_id = dropped.identifier_id
    inner join identity.identifier on edge.identifier_id = identifier.identifier_id
    where record.person_id = example.person_id and edge.dropped_reason is null
    group by identifier.type, identifier.value, dropped.dropped_reason
    order by count(*) desc, identifier.type, identifier.value
    limit 2
) as link on true
order by example.persons desc, example.person_id
