-- At most one row: the record that a person's id, of today or of the past, was made of, and whose it is today.
select
    person.oldest_record_id as record_id,
    person.person_id
from identity.person
where person.person_id = %(person_id)s
union all
select
    redirect.record_id,
    redirect.person_id
from identity.redirect
where redirect.old_person_id = %(person_id)s
