-- Persons whose rows in the plan have to be worked out: all but those of whom the platform acknowledged what they are
-- today. One row each, with what is wanted of them; without a membership nobody wants them. `row_hash` is of the whole
-- person, so it decides without looking at a single field; it is kept with what was sent only as long as the destination
-- treats fields as it did then (see forget_treatment).
-- Desired: in the segment today, consent granted for the destination's purpose (no statement: no), not excluded,
-- reachable by an identifier the destination takes, still a person. A merged person's membership counts for today's.
create temporary table concerned on commit drop as
with

reachable as (
    select
        person.*,
        person_consent.consent_id
    from profile.person
    inner join consent.person_consent
        on
            person.person_id = person_consent.person_id
            and person_consent.purpose = %(purpose)s
            and person_consent.state = 'granted'
    where
        %(active)s
        and (
            ('email' = any(%(identifiers)s::text[]) and person.email is not null)
            or ('phone' = any(%(identifiers)s::text[]) and person.phone is not null)
        )
        and (
            not %(exclusions)s
            or person.person_id not in (
                select excluded.person_id from audience.excluded
                where excluded.audience_id = %(audience_id)s
            )
        )
),

people as (
    select
        reachable.*,
        member.membership_id,
        member.version,
        true as own
    from segment.membership as member
    inner join reachable on member.person_id = reachable.person_id
    where member.segment = %(segment)s and member.left_at is null
    union all
    select
        reachable.*,
        member.membership_id,
        member.version,
        false as own
    from identity.redirect
    inner join segment.membership as member on redirect.old_person_id = member.person_id
    inner join reachable on redirect.person_id = reachable.person_id
    where member.segment = %(segment)s and member.left_at is null
),

ledger as (
    select
        member.person_id,
        case when member.attempt_state is null then member.row_hash end as row_hash
    from audience.member
    where
        member.audience_id = %(audience_id)s
        and (member.acknowledged = 'present' or member.attempt_state is not null)
),

differing as (
    select
        coalesce(people.person_id, ledger.person_id) as person_id,
        people.person_id is not null as wanted,
        people.own,
        people.membership_id,
        people.version,
        people.consent_id,
        people.row_hash,
        case when 'email' = any(%(identifiers)s::text[]) then people.email end as email,
        case when 'phone' = any(%(identifiers)s::text[]) then people.phone end as phone,
        md5(
            %(identifier_version)s::text
            || case when 'email' = any(%(identifiers)s::text[]) then e'\x1f' || coalesce(people.email, '') else '' end
            || case when 'phone' = any(%(identifiers)s::text[]) then e'\x1f' || coalesce(people.phone, '') else '' end
        )::uuid as identifier_hash,
        md5(
            %(field_version)s::text
            || case when 'first_name' = any(%(fields)s::text[]) then e'\x1f' || coalesce(people.first_name, '') else '' end
            || case when 'last_name' = any(%(fields)s::text[]) then e'\x1f' || coalesce(people.last_name, '') else '' end
            || case when 'birth_on' = any(%(fields)s::text[]) then e'\x1f' || coalesce(people.birth_on::text, '') else '' end
            || case when 'gender' = any(%(fields)s::text[]) then e'\x1f' || coalesce(people.gender, '') else '' end
            || case when 'language' = any(%(fields)s::text[]) then e'\x1f' || coalesce(people.language, '') else '' end
            || case when 'country' = any(%(fields)s::text[]) then e'\x1f' || coalesce(people.country, '') else '' end
            || case when 'region' = any(%(fields)s::text[]) then e'\x1f' || coalesce(people.region, '') else '' end
            || case when 'city' = any(%(fields)s::text[]) then e'\x1f' || coalesce(people.city, '') else '' end
            || case when 'postcode' = any(%(fields)s::text[]) then e'\x1f' || coalesce(people.postcode, '') else '' end
            -- a field to be cleared is told apart from one to be left alone
            || case when 'first_name' = any(%(cleared)s::text[]) and people.first_name is null then e'\x18f' else '' end
            || case when 'last_name' = any(%(cleared)s::text[]) and people.last_name is null then e'\x18l' else '' end
            || case when 'birth_on' = any(%(cleared)s::text[]) and people.birth_on is null then e'\x18b' else '' end
            || case when 'gender' = any(%(cleared)s::text[]) and people.gender is null then e'\x18g' else '' end
            || case when 'language' = any(%(cleared)s::text[]) and people.language is null then e'\x18a' else '' end
            || case when 'country' = any(%(cleared)s::text[]) and people.country is null then e'\x18c' else '' end
            || case when 'region' = any(%(cleared)s::text[]) and people.region is null then e'\x18r' else '' end
            || case when 'city' = any(%(cleared)s::text[]) and people.city is null then e'\x18t' else '' end
            || case when 'postcode' = any(%(cleared)s::text[]) and people.postcode is null then e'\x18p' else '' end
        )::uuid as payload_hash
    from people
    full join ledger on people.person_id = ledger.person_id
    where people.row_hash is null or ledger.row_hash is null or people.row_hash <> ledger.row_hash
)

select distinct on (differing.person_id)
    differing.person_id,
    differing.wanted,
    differing.own,
    differing.membership_id,
    differing.version,
    differing.consent_id,
    differing.row_hash,
    case when differing.wanted then differing.payload_hash end as payload_hash,
    case when differing.wanted then differing.identifier_hash end as identifier_hash,
    md5('email' || differing.email)::uuid as email_key,
    md5('phone' || differing.phone)::uuid as phone_key
from differing
order by differing.person_id, differing.own desc nulls last, differing.membership_id desc
