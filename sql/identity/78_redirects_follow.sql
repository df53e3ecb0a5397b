-- One row per older redirect that has to lead elsewhere: to the person of the record its id was made of; when that one is
-- withdrawn, to whoever its person is now. Keeps redirects flat.
with

wanted as (
    select
        d.old_person_id,
        coalesce(r.person_id, f.successor) as person_id
    from identity.redirect as d
    inner join identity.work_former as f on d.person_id = f.person_id
    left join identity.record as r on d.record_id = r.record_id
    union
    select
        d.old_person_id,
        a.person_id
    from identity.redirect as d
    inner join identity.work_assignment as a on d.record_id = a.record_id
)

update identity.redirect as d
set
    person_id = w.person_id,
    redirected_at = %(at)s
from wanted as w
where
    d.old_person_id = w.old_person_id
    and w.person_id is not null
    and d.person_id is distinct from w.person_id
