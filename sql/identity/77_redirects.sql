-- One row per former id: to whoever the person is now. Ids that live again need none.
with

alive as (
    delete from identity.redirect as d
    using identity.work_assignment as a
    where
        d.old_person_id = a.person_id
        and a.record_id = a.oldest_record_id
)

insert into identity.redirect as d (old_person_id, record_id, person_id, redirected_at)
select
    f.person_id,
    p.oldest_record_id,
    f.successor,
    %(at)s
from identity.work_former as f
inner join identity.person as p on p.person_id = f.person_id
where f.successor <> f.person_id
on conflict (old_person_id) do update
    set
        record_id = excluded.record_id,
        person_id = excluded.person_id,
        redirected_at = excluded.redirected_at
