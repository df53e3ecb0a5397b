-- One row per operation of the plan: its first and last number, and whether its persons are at least a third of all there
-- are and members in their own name, so that a window of them is a stretch of each table. Rows that came to the plan later,
-- out of order, have no `own`.
select
    plan_row.operation,
    min(plan_row.ordinal) as first_ordinal,
    max(plan_row.ordinal) as last_ordinal,
    bool_and(plan_row.own is true)
    and count(*) * 3 > (
        select greatest(pg_class.reltuples, 0)
        from pg_class
        where pg_class.oid = 'profile.person'::regclass
    ) as dense
from pg_temp.plan_row
group by plan_row.operation
