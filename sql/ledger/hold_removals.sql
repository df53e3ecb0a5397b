-- Takes the removals that wait for a person out of the plan.
delete from pg_temp.plan_row
where waits
