-- One row per id that a person, or a part of it, had before: since when it leads here, and the record it was made of.
select
    redirect.old_person_id,
    redirect.redirected_at,
    record.stream,
    record.record_key
from identity.redirect
left join identity.record on redirect.record_id = record.record_id
where redirect.person_id = %(person_id)s
order by redirect.redirected_at, redirect.old_person_id
