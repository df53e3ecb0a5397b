-- One row per former id: to whoever the person is now. A record that was withdrawn and came back brings the id it once gave
-- with it. Ids that live again need none.
with

alive as (
    delete from identity.redirect as d
    using identity.work_assignment as a
    where
        d.old_person_id = a.person_id
        and a.record_id = a.oldest_record_id
),

former as (
    select
        f.person_id as old_person_id,
        p.oldest_record_id as record_id,
        f.successor as person_id
    from identity.work_former as f
    inner join identity.person as p on f.person_id = p.person_id
    where f.successor <> f.person_id
    union
    select
        r.own_person_id,
        r.record_id,
        a.person_id
    from identity.work_scope as s
    inner join identity.work_assignment as a on s.record_id = a.record_id
    inner join identity.record as r on s.record_id = r.record_id
    inner join identity.record_history as h
        on
            r.record_id = h.record_id
            and r.own_person_id = h.person_id
            and h.valid_to is not null
    where
        s.former_person_id is null
        and a.person_id <> r.own_person_id
)

insert into identity.redirect as d (old_person_id, record_id, person_id, redirected_at)
select
    old_person_id,
    record_id,
    person_id,
    %(at)s
from former
on conflict (old_person_id) do update
    set
        record_id = excluded.record_id,
        person_id = excluded.person_id,
        redirected_at = excluded.redirected_at
