-- One row: who bought the orders with these numbers among those due.
select coalesce(array_agg(distinct due.person_id), '{}') as people
from pg_temp.conversion_due as due
where due.ordinal between %(first)s and %(last)s
