-- One row per record in scope that belongs to no island any more: nothing of its component is refused.
with

island as (
    select distinct m.island_id
    from identity.work_refused as w
    inner join identity.work_limited as m on w.record_id = m.record_id
),

kept as (
    select m.record_id
    from island as i
    inner join identity.work_limited as m on i.island_id = m.island_id
)

delete from identity.island as o
using identity.work_scope as s
where
    o.record_id = s.record_id
    and not exists (
        select from kept as k
        where k.record_id = o.record_id
    )
