-- One row: how many of the removals that would wait were not shown by this hold.
select count(*) as unseen
from pg_temp.plan_row
where
    plan_row.operation = 'remove'
    and not plan_row.readdress
    and (
        not %(withdrawals_go)s
        or not exists (
            select from consent.person_consent
            where
                person_consent.person_id = plan_row.person_id
                and person_consent.purpose = %(purpose)s
                and person_consent.state = 'withdrawn'
        )
    )
    and not exists (
        select from audience.hold_removal as shown
        where shown.hold_id = %(hold_id)s and shown.person_id = plan_row.person_id
    )
