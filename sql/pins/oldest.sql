-- At most one row: the record that a person's id of today was made of.
select oldest_record_id as record_id
from identity.person
where person_id = %(person_id)s
