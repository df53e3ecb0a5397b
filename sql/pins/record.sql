-- At most one row: a record as a pin names it, and its person with how many records it has.
select
    record.stream,
    record.record_key,
    record.person_id,
    person.record_count
from identity.record
left join identity.person on record.person_id = person.person_id
where record.record_id = %(record_id)s
