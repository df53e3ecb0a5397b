-- Refused removals of persons who are members by right again: the debt is void. And refused additions of persons whom
-- nobody wants to add any more are left as they are: they hold nothing at the platform.
update audience.member
set
    operation = null,
    attempt_state = null,
    error_class = null,
    error_code = null,
    error_text = null,
    opened_at = null,
    tries = 0
where
    audience_id = %(audience_id)s
    and attempt_state = 'debt'
    and person_id in (select differing.person_id from pg_temp.differing where differing.attempted) -- all with an attempt are
    and not exists (
        select from pg_temp.plan_row
        where
            plan_row.operation = 'remove'
            and plan_row.person_id = member.person_id
            and plan_row.identifier_hash = member.identifier_hash
    )
