-- One row per order that changed at its source, or whose bundle of identifiers changed persons.
insert into identity.work_order (stream, order_key)
select
    stream,
    order_key
from identity.work_bundle
where order_key is not null
union
select
    b.stream,
    b.order_key
from identity.work_scope as s
left join identity.work_assignment as a on s.record_id = a.record_id
inner join identity.bundle_row as b on s.record_id = b.record_id
where
    a.person_id is distinct from s.former_person_id
    and b.order_key is not null
on conflict (stream, order_key) do nothing
