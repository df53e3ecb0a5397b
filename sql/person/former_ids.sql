-- One row per id the person, or a part of it, had before.
select old_person_id
from identity.redirect
where person_id = %(person_id)s
order by redirected_at, old_person_id
