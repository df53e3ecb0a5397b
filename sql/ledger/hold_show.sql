-- Writes down whose removals a hold shows. Persons; the plan still has them.
insert into audience.hold_removal (hold_id, person_id)
select distinct
    %(hold_id)s::bigint,
    plan_row.person_id
from pg_temp.plan_row
where plan_row.waits
