-- One row per operation of the plan: its first and last number.
select
    operation,
    min(ordinal) as first_ordinal,
    max(ordinal) as last_ordinal
from pg_temp.plan_row
group by operation
