-- At most one row: how many records a person has.
select record_count as records
from identity.person
where person_id = %(person_id)s
