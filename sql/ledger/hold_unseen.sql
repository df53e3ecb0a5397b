-- One row: how many of the removals that would wait were not shown by this hold.
select count(*) as unseen
from pg_temp.plan_row
where
    plan_row.waits
    and not exists (
        select from audience.hold_removal as shown
        where shown.hold_id = %(hold_id)s and shown.person_id = plan_row.person_id
    )
