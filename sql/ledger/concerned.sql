-- Persons whose rows in the plan have to be worked out: one row each, with what is wanted of them; without a membership
-- nobody wants them. Of two memberships the person's own counts, then the younger.
create temporary table concerned on commit drop as
with

described as (
    select
        differing.person_id,
        differing.membership_id is not null as wanted,
        differing.own,
        differing.membership_id,
        differing.version,
        differing.consent_id,
        person.row_hash,
        case when 'email' = any(%(identifiers)s::text[]) then person.email end as email,
        case when 'phone' = any(%(identifiers)s::text[]) then person.phone end as phone,
        md5(
            %(identifier_version)s::text
            || case when 'email' = any(%(identifiers)s::text[]) then e'\x1f' || coalesce(person.email, '') else '' end
            || case when 'phone' = any(%(identifiers)s::text[]) then e'\x1f' || coalesce(person.phone, '') else '' end
        )::uuid as identifier_hash,
        md5(
            -- in groups, for what an audience does not have is the same for all and made once
            %(field_version)s::text
            || case when 'first_name' = any(%(fields)s::text[]) then e'\x1f' || coalesce(person.first_name, '') else '' end
            || case when 'last_name' = any(%(fields)s::text[]) then e'\x1f' || coalesce(person.last_name, '') else '' end
            || (
                case when 'birth_on' = any(%(fields)s::text[]) then e'\x1f' || coalesce(person.birth_on::text, '') else '' end
                || case when 'gender' = any(%(fields)s::text[]) then e'\x1f' || coalesce(person.gender, '') else '' end
                || case when 'language' = any(%(fields)s::text[]) then e'\x1f' || coalesce(person.language, '') else '' end
            )
            || (
                case when 'country' = any(%(fields)s::text[]) then e'\x1f' || coalesce(person.country, '') else '' end
                || case when 'region' = any(%(fields)s::text[]) then e'\x1f' || coalesce(person.region, '') else '' end
                || case when 'city' = any(%(fields)s::text[]) then e'\x1f' || coalesce(person.city, '') else '' end
                || case when 'postcode' = any(%(fields)s::text[]) then e'\x1f' || coalesce(person.postcode, '') else '' end
            )
            -- under names of the audience's own: whoever has no value has nothing to be told when a name changes
            || (
                coalesce(e'\x1f' || (%(names)s::jsonb ->> 'first_name') || e'\x1e' || person.first_name, '')
                || coalesce(e'\x1f' || (%(names)s::jsonb ->> 'last_name') || e'\x1e' || person.last_name, '')
                || coalesce(e'\x1f' || (%(names)s::jsonb ->> 'birth_on') || e'\x1e' || person.birth_on::text, '')
                || coalesce(e'\x1f' || (%(names)s::jsonb ->> 'gender') || e'\x1e' || person.gender, '')
                || coalesce(e'\x1f' || (%(names)s::jsonb ->> 'language') || e'\x1e' || person.language, '')
                || coalesce(e'\x1f' || (%(names)s::jsonb ->> 'country') || e'\x1e' || person.country, '')
                || coalesce(e'\x1f' || (%(names)s::jsonb ->> 'region') || e'\x1e' || person.region, '')
                || coalesce(e'\x1f' || (%(names)s::jsonb ->> 'city') || e'\x1e' || person.city, '')
                || coalesce(e'\x1f' || (%(names)s::jsonb ->> 'postcode') || e'\x1e' || person.postcode, '')
            )
            -- a field to be cleared is told apart from one to be left alone
            || (
                case when 'first_name' = any(%(cleared)s::text[]) and person.first_name is null then e'\x18f' else '' end
                || case when 'last_name' = any(%(cleared)s::text[]) and person.last_name is null then e'\x18l' else '' end
                || case when 'birth_on' = any(%(cleared)s::text[]) and person.birth_on is null then e'\x18b' else '' end
                || case when 'gender' = any(%(cleared)s::text[]) and person.gender is null then e'\x18g' else '' end
                || case when 'language' = any(%(cleared)s::text[]) and person.language is null then e'\x18a' else '' end
                || case when 'country' = any(%(cleared)s::text[]) and person.country is null then e'\x18c' else '' end
                || case when 'region' = any(%(cleared)s::text[]) and person.region is null then e'\x18r' else '' end
                || case when 'city' = any(%(cleared)s::text[]) and person.city is null then e'\x18t' else '' end
                || case when 'postcode' = any(%(cleared)s::text[]) and person.postcode is null then e'\x18p' else '' end
            )
        )::uuid as payload_hash
    from pg_temp.differing
    left join profile.person on differing.membership_id is not null and differing.person_id = person.person_id
)

select distinct on (described.person_id)
    described.person_id,
    described.wanted,
    described.own,
    described.membership_id,
    described.version,
    described.consent_id,
    described.row_hash,
    case when described.wanted then described.payload_hash end as payload_hash,
    case when described.wanted then described.identifier_hash end as identifier_hash,
    md5('email' || described.email)::uuid as email_key,
    md5('phone' || described.phone)::uuid as phone_key
from described
order by described.person_id, described.own desc nulls last, described.membership_id desc
