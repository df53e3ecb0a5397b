-- The plan of one audience: desired minus acknowledged. One row per person and set of identifiers that must be removed,
-- added or updated, removals first. Only persons in `differing` are looked at, which says who of them is wanted; of two
-- memberships the person's own counts, then the younger.
-- Removed is whatever the platform has, or may have (an attempt without an answer), and is not desired.
-- A row the platform refused for good is parked until payload, identifiers or consent change. Of a person who changed in
-- something this destination does not carry, the row is noted, so that the next plan passes them over again: the row as
-- this statement reads it, so that a change since then is seen by the next plan.
-- Within an operation by person: neighbours in the indexes that a delivery writes.
with

described as (
    select
        differing.person_id,
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
    inner join profile.person on differing.person_id = person.person_id
    where
        differing.membership_id is not null
        and (
            not (select exists(select from identity.redirect))
            or not exists (select from identity.redirect where redirect.old_person_id = differing.person_id)
        )
),

desired as (
    select distinct on (described.person_id)
        described.person_id,
        described.membership_id,
        described.version,
        described.consent_id,
        described.own,
        described.row_hash,
        described.payload_hash,
        described.identifier_hash,
        md5('email' || described.email)::uuid as email_key,
        md5('phone' || described.phone)::uuid as phone_key
    from described
    order by described.person_id, described.own desc nulls last, described.membership_id desc
),

ledger as (
    select
        person_id,
        identifier_hash,
        email_key,
        phone_key,
        acknowledged,
        payload_hash,
        row_hash,
        consent_id,
        operation,
        attempt_state,
        attempt_payload_hash,
        acknowledged = 'present' or coalesce(attempt_state in ('sent', 'retriable'), false) as may_be_there
    from audience.member
    where
        audience_id = %(audience_id)s
        and person_id in (select differing.person_id from pg_temp.differing)
),

compared as (
    select
        case
            when desired.person_id is null then case when ledger.may_be_there then 'remove' end
            when ledger.person_id is null then 'add'
            when
                ledger.attempt_state = 'rejected'
                and ledger.attempt_payload_hash is not distinct from desired.payload_hash
                and ledger.consent_id is not distinct from desired.consent_id
                then null
            when ledger.acknowledged = 'absent' then 'add'
            when ledger.operation = 'remove' and ledger.attempt_state in ('sent', 'retriable') then 'add'
            when ledger.attempt_state in ('sent', 'retriable') then 'update'
            when ledger.payload_hash is distinct from desired.payload_hash then 'update'
        end as operation,
        coalesce(desired.person_id, ledger.person_id) as person_id,
        coalesce(desired.identifier_hash, ledger.identifier_hash) as identifier_hash,
        coalesce(desired.email_key, ledger.email_key) as email_key,
        coalesce(desired.phone_key, ledger.phone_key) as phone_key,
        desired.payload_hash,
        desired.row_hash,
        desired.membership_id,
        desired.consent_id,
        desired.version as segment_version,
        desired.own,
        coalesce(ledger.acknowledged = 'present', false) as was_present,
        ledger.acknowledged = 'present'
        and ledger.attempt_state is null
        and ledger.row_hash is distinct from desired.row_hash as row_changed
    from desired
    full join ledger
        on desired.person_id = ledger.person_id and desired.identifier_hash = ledger.identifier_hash
),

noted as (
    update audience.member
    set row_hash = compared.row_hash
    from compared
    where
        compared.operation is null
        and compared.row_changed
        and member.audience_id = %(audience_id)s
        and member.person_id = compared.person_id
        and member.identifier_hash = compared.identifier_hash
)

insert into pg_temp.plan_row (
    operation, person_id, identifier_hash, email_key, phone_key, payload_hash, row_hash, membership_id, consent_id,
    segment_version, was_present, own
)
select
    operation,
    person_id,
    identifier_hash,
    email_key,
    phone_key,
    payload_hash,
    row_hash,
    membership_id,
    consent_id,
    segment_version,
    was_present,
    own
from compared
where operation is not null
order by case operation when 'remove' then 1 when 'add' then 2 else 3 end, person_id
