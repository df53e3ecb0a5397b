-- One row: the plan in numbers, before guards. `departures` are rows, `removes` people who leave.
select
    count(*) as changes,
    count(*) filter (where operation = 'remove') as departures,
    count(*) filter (where operation = 'remove' and not readdress) as removes
from pg_temp.plan_row
