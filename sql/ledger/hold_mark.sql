-- Marks the removals of the plan that would wait for a person: of leavers. Changed identifiers of members go on, and so does
-- whoever took back their consent, unless these alone are too many.
update pg_temp.plan_row
set waits = true
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
