-- At most one row: the identifier, whose it is (the persons that it joins), and of whom else some records carry it.
select
    identifier.identifier_id,
    count(edge.record_id) as records,
    array_agg(distinct record.person_id) filter (where edge.dropped_reason is null and record.person_id is not null) as persons,
    array(
        select distinct carrier.person_id
        from identity.edge as carried
        inner join identity.record as carrier on carried.record_id = carrier.record_id
        where carried.identifier_id = identifier.identifier_id and carrier.person_id is not null
        order by carrier.person_id
        limit %(most)s
    ) as carriers
from identity.identifier
left join identity.edge on identifier.identifier_id = edge.identifier_id
left join identity.record on edge.record_id = record.record_id
where identifier.type = %(type)s and identifier.value = %(value)s
group by identifier.identifier_id
