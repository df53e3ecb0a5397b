-- The persons of one batch of additions or updates, by their numbers in the plan. Consent, membership and the person's
-- values are looked at again here: whoever withdrew, left, changed or was excluded since the plan is not handed out.
select
    plan_row.ordinal,
    plan_row.person_id::text as person_id,
    plan_row.identifier_hash::text as identifier_hash,
    member.version as segment_version,
    plan_row.kept,
    person.email,
    person.phone,
    person.first_name,
    person.last_name,
    person.birth_on,
    person.gender,
    person.language,
    person.country,
    person.region,
    person.city,
    person.postcode
from pg_temp.plan_row
inner join profile.person
    on plan_row.person_id = person.person_id and plan_row.row_hash = person.row_hash
inner join consent.person_consent
    on
        plan_row.person_id = person_consent.person_id
        and person_consent.purpose = %(purpose)s
        and person_consent.state = 'granted'
inner join segment.membership as member
    on plan_row.membership_id = member.membership_id and member.left_at is null
where
    plan_row.ordinal between %(first)s and %(last)s
    and plan_row.operation = %(operation)s
    and not exists (
        select from audience.excluded
        where excluded.audience_id = %(audience_id)s and excluded.person_id = plan_row.person_id
    )
order by plan_row.ordinal
