-- One row: people who are wanted today and whom the platform refused for good at an earlier try. Nobody asks about them
-- again until something about them changes, so without this count a try after a partial one would look whole.
select count(distinct member.person_id) as parked
from pg_temp.concerned
inner join audience.member
    on concerned.person_id = member.person_id and member.audience_id = %(audience_id)s
inner join audience.audience on member.audience_id = audience.audience_id and audience.active
inner join segment.membership as stay
    on audience.segment = stay.segment and member.person_id = stay.person_id and stay.left_at is null
inner join consent.person_consent
    on
        member.person_id = person_consent.person_id
        and audience.purpose = person_consent.purpose
        and person_consent.state = 'granted'
where
    member.attempt_state = 'rejected'
    and not exists (select from pg_temp.plan_row where plan_row.person_id = member.person_id)
    and not exists (
        select from audience.member as other
        where
            other.audience_id = member.audience_id
            and other.person_id = member.person_id
            and other.acknowledged = 'present'
            and other.attempt_state is null
    )
    and not exists (
        select from audience.excluded
        where excluded.audience_id = member.audience_id and excluded.person_id = member.person_id
    )
