-- One row per person that existed in scope before this run, with who it is now: itself; else the person of the record its id
-- was made of; else (that record is withdrawn) the person of the oldest record it had; else nobody.
with

had as (
    select distinct former_person_id as person_id
    from identity.work_scope
    where former_person_id is not null
),

by_oldest as (
    select
        had.person_id,
        a.person_id as successor
    from had
    inner join identity.person as p on had.person_id = p.person_id
    left join identity.work_scope as s on p.oldest_record_id = s.record_id and p.person_id = s.former_person_id
    left join identity.work_assignment as a on s.record_id = a.record_id
),

by_another as (
    select distinct on (o.person_id)
        o.person_id,
        a.person_id as successor
    from by_oldest as o
    inner join identity.work_scope as s on o.person_id = s.former_person_id
    inner join identity.work_assignment as a on s.record_id = a.record_id
    inner join identity.record as r on s.record_id = r.record_id
    where o.successor is null
    order by o.person_id, r.first_seen_at, r.stream collate "C", r.record_key collate "C"
)

insert into identity.work_former (person_id, successor)
select
    o.person_id,
    coalesce(o.successor, b.successor) as successor
from by_oldest as o
left join by_another as b on o.person_id = b.person_id
