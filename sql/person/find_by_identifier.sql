-- One row per person of whom a record carries the identifier. More than one when the identifier joins nobody.
select distinct record.person_id
from identity.identifier
inner join identity.edge on identifier.identifier_id = edge.identifier_id
inner join identity.record on edge.record_id = record.record_id
where
    identifier.type = %(type)s
    and identifier.value = %(value)s
    and record.person_id is not null
order by record.person_id
limit %(most)s
