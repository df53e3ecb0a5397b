-- One row per person that existed in scope before this run, with who it is now: itself; else the person of the record its id
-- was made of; else (that record is withdrawn) the person of the oldest record it had; else nobody.
with

had as (
    select
        s.former_person_id as person_id,
        a.person_id as successor,
        row_number() over (
            partition by s.former_person_id
            order by
                a.record_id is null,
                s.record_id <> p.oldest_record_id,
                r.first_seen_at,
                r.stream collate "C",
                r.record_key collate "C"
        ) as place
    from identity.work_scope as s
    inner join identity.person as p on s.former_person_id = p.person_id
    inner join identity.record as r on s.record_id = r.record_id
    left join identity.work_assignment as a on s.record_id = a.record_id
    where s.former_person_id is not null
)

insert into identity.work_former (person_id, successor)
select
    person_id,
    successor
from had
where place = 1
