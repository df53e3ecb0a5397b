-- One row per event that changed or went at its source, or whose bundle of identifiers changed persons.
insert into identity.work_event (stream, record_key)
select
    stream,
    source_key
from identity.work_bundle
where order_key is null
union
select
    o.stream,
    o.record_key
from identity.work_key as k
inner join profile.person_event as o on k.stream = o.stream and k.record_key = o.record_key
union
select
    b.stream,
    b.source_key
from identity.work_scope as s
left join identity.work_assignment as a on s.record_id = a.record_id
inner join identity.bundle_row as b on s.record_id = b.record_id
where
    a.person_id is distinct from s.former_person_id
    and b.order_key is null
