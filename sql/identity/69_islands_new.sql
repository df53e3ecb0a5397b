-- One row per record of a component in which anything was refused.
with

island as (
    select distinct m.island_id
    from identity.work_refused as w
    inner join identity.work_limited as m on w.record_id = m.record_id
)

insert into identity.island as o (record_id, island_id)
select
    m.record_id,
    m.island_id
from island as i
inner join identity.work_limited as m on i.island_id = m.island_id
on conflict (record_id) do update
    set island_id = excluded.island_id
    where o.island_id is distinct from excluded.island_id
