-- How many people of a hold would be removed for which cause, as things stand now; the largest first. Who is in the
-- segment again stays shown until the next plan.
with

shown_people as (
    select
        case
            when person.person_id is null then 'is gone from the profile'
            when not audience.active then 'no file names the audience'
            when person_consent.state = 'withdrawn' then 'took back consent'
            when person_consent.state is null then 'has no consent any more'
            when excluded.reason = 'control' then 'is in a control group'
            when excluded.reason is not null then 'is in another audience of the priority list'
            when stay.person_id is null then 'left the segment'
            else 'is in the segment again'
        end as cause
    from audience.hold
    inner join audience.audience on hold.audience_id = audience.audience_id
    inner join audience.hold_removal as shown on hold.hold_id = shown.hold_id
    left join profile.person on shown.person_id = person.person_id
    left join consent.person_consent
        on shown.person_id = person_consent.person_id and audience.purpose = person_consent.purpose
    left join audience.excluded on audience.audience_id = excluded.audience_id and shown.person_id = excluded.person_id
    left join segment.membership as stay
        on audience.segment = stay.segment and shown.person_id = stay.person_id and stay.left_at is null
    where hold.hold_id = %(hold_id)s
)

select
    shown_people.cause,
    count(*) as people
from shown_people
group by shown_people.cause
order by people desc, shown_people.cause
