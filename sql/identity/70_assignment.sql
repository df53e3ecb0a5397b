-- One row per live record in scope: its person is made of the oldest record of its component (first seen, then source and key).
with

member as (
    select
        r.record_id,
        coalesce(c.root, r.record_id) as root,
        r.first_seen_at,
        r.stream,
        r.record_key,
        r.own_person_id
    from identity.work_scope as s
    inner join identity.record as r on s.record_id = r.record_id
    left join identity.work_component as c on s.record_id = c.record_id
    where r.withdrawn_at is null
),

oldest as (
    select distinct on (root)
        root,
        record_id,
        own_person_id
    from member
    order by root, first_seen_at, stream collate "C", record_key collate "C"
)

insert into identity.work_assignment (record_id, person_id, oldest_record_id)
select
    m.record_id,
    o.own_person_id,
    o.record_id as oldest_record_id
from member as m
inner join oldest as o on m.root = o.root
