-- One row per example of persons that would part, the largest first, with a few links that hold now and do not then.
with

example as (
    select
        was as person_id,
        count(*) as persons,
        sum(records)::bigint as records,
        (array_agg(becomes order by was = becomes desc, becomes))[1:5] as of_persons
    from pg_temp.whatif_move
    group by was
    having count(*) > 1
    order by count(*) desc, was
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
        edge.dropped_reason as reason
    from pg_temp.whatif_before as before
    inner join identity.edge on before.record_id = edge.record_id
    inner join identity.identifier on edge.identifier_id = identifier.identifier_id
    where
        before.person_id = example.person_id
        and edge.dropped_reason is not null
        and not exists (
            select from pg_temp.whatif_dropped as dropped
            where dropped.record_id = edge.record_id and dropped.identifier_id = edge.identifier_id
        )
    group by identifier.type, identifier.value, edge.dropped_reason
    order by count(*) desc, identifier.type, identifier.value
    limit 2
) as link on true
order by example.persons desc, example.person_id
