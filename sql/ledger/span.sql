-- One row: the lowest and the highest person of one window of the plan.
select
    (array_agg(plan_row.person_id order by plan_row.person_id))[1] as first_person,
    (array_agg(plan_row.person_id order by plan_row.person_id desc))[1] as last_person
from pg_temp.plan_row
where plan_row.ordinal between %(first)s and %(last)s
