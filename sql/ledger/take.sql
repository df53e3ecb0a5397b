-- Hands out persons to be added or updated, by their numbers in the plan, and writes down in the same statement that they
-- are about to be sent: a row a person, in batches of `size` with numbers of their own. Consent, exclusion, membership
-- and the person's values are looked at again here: whoever withdrew, left or changed since the plan is not handed out.
-- One row a person in the order of the batches: the columns a destination may carry (null: it does not), then the batch.
with

taken as materialized (
    select
        row_number() over (order by plan_row.ordinal) - 1 as place,
        plan_row.person_id,
        plan_row.identifier_hash,
        plan_row.email_key,
        plan_row.phone_key,
        plan_row.payload_hash,
        plan_row.row_hash,
        plan_row.membership_id,
        plan_row.consent_id,
        plan_row.segment_version,
        case when 'email' = any(%(columns)s::text[]) then person.email end as email,
        case when 'phone' = any(%(columns)s::text[]) then person.phone end as phone,
        case when 'first_name' = any(%(columns)s::text[]) then person.first_name end as first_name,
        case when 'last_name' = any(%(columns)s::text[]) then person.last_name end as last_name,
        case when 'birth_on' = any(%(columns)s::text[]) then person.birth_on end as birth_on,
        case when 'gender' = any(%(columns)s::text[]) then person.gender end as gender,
        case when 'language' = any(%(columns)s::text[]) then person.language end as language,
        case when 'country' = any(%(columns)s::text[]) then person.country end as country,
        case when 'region' = any(%(columns)s::text[]) then person.region end as region,
        case when 'city' = any(%(columns)s::text[]) then person.city end as city,
        case when 'postcode' = any(%(columns)s::text[]) then person.postcode end as postcode
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
        and (
            not %(neighbours)s
            or (
                person.person_id between %(first_person)s and %(last_person)s
                and person_consent.person_id between %(first_person)s and %(last_person)s
                and member.person_id between %(first_person)s and %(last_person)s
                and member.segment = %(segment)s
                and plan_row.person_id = member.person_id
            )
        )
        and (
            not (select exists(select from audience.excluded where excluded.audience_id = %(audience_id)s))
            or not exists (
                select from audience.excluded
                where excluded.audience_id = %(audience_id)s and excluded.person_id = plan_row.person_id
            )
        )
),

numbers as materialized (
    select array_agg(nextval('audience.batch_batch_id_seq')) as ids
    from generate_series(1, (select (count(*) + %(size)s - 1) / %(size)s from taken))
),

written as (
    insert into audience.sent (
        batch_id, batch_row, audience_id, person_id, identifier_hash, email_key, phone_key, payload_hash, row_hash,
        membership_id, consent_id, segment_version
    )
    select
        (select numbers.ids from numbers)[1 + taken.place / %(size)s],
        mod(taken.place, %(size)s),
        %(audience_id)s,
        taken.person_id,
        taken.identifier_hash,
        taken.email_key,
        taken.phone_key,
        taken.payload_hash,
        taken.row_hash,
        taken.membership_id,
        taken.consent_id,
        taken.segment_version
    from taken
)

select
    taken.email,
    taken.phone,
    taken.first_name,
    taken.last_name,
    taken.birth_on,
    taken.gender,
    taken.language,
    taken.country,
    taken.region,
    taken.city,
    taken.postcode,
    (select numbers.ids from numbers)[1 + taken.place / %(size)s] as batch_id
from taken
order by taken.place
