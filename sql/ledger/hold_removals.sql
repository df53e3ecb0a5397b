-- Takes the removals of leavers out of the plan: they wait for a person. Changed identifiers of members go on, and so
-- does whoever took back their consent, unless these alone are too many.
delete from pg_temp.plan_row
where
    operation = 'remove'
    and not readdress
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
