-- Writes down whose removals a hold shows. Persons; the plan still has them.
insert into audience.hold_removal (hold_id, person_id)
select distinct
    %(hold_id)s::bigint,
    plan_row.person_id
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
