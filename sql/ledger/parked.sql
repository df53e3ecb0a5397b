-- One row: people who are wanted today and whom the platform refused for good at an earlier try. Nobody asks about them
-- again until something about them changes, so without this count a try after a partial one would look whole.
select count(distinct member.person_id) as parked
from pg_temp.differing
inner join audience.member
    on differing.person_id = member.person_id and member.audience_id = %(audience_id)s
where
    differing.attempted
    and member.attempt_state = 'rejected'
    and exists (
        select from pg_temp.differing as wanted
        where wanted.person_id = member.person_id and wanted.membership_id is not null
    )
    and not exists (select from pg_temp.plan_row where plan_row.person_id = member.person_id)
    and not exists (
        select from audience.member as other
        where
            other.audience_id = member.audience_id
            and other.person_id = member.person_id
            and other.acknowledged = 'present'
            and other.attempt_state is null
    )
