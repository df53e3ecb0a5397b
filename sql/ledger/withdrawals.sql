-- One row: how many removals of the plan are of people who took back their consent.
select count(*) as withdrawn
from pg_temp.plan_row
inner join consent.person_consent on plan_row.person_id = person_consent.person_id
where
    plan_row.operation = 'remove'
    and not plan_row.readdress
    and person_consent.purpose = %(purpose)s
    and person_consent.state = 'withdrawn'
