-- One row per person in scope that is new, or has gained or lost records.
insert into identity.person as p (person_id, oldest_record_id, record_count, changed_at)
select
    person_id,
    oldest_record_id,
    count(*),
    %(at)s
from identity.work_assignment
group by person_id, oldest_record_id
on conflict (person_id) do update
    set
        oldest_record_id = excluded.oldest_record_id,
        record_count = excluded.record_count,
        changed_at = excluded.changed_at
    where
    p.oldest_record_id is distinct from excluded.oldest_record_id
    or p.record_count is distinct from excluded.record_count
