-- One row per person without live records: it leaves, and so do the former ids that led to it.
with

vanished as (
    select person_id
    from identity.work_former
    where successor is distinct from person_id
),

lost as (
    delete from identity.redirect as d
    using identity.work_former as f
    where
        d.person_id = f.person_id
        and f.successor is null
)

delete from identity.person as p
using vanished as v
where p.person_id = v.person_id
