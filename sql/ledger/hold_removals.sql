-- Takes the removals of leavers out of the plan: they wait for a person. Changed identifiers of members go on.
delete from pg_temp.plan_row
where operation = 'remove' and not readdress
