-- The plan of one audience: desired minus acknowledged. One row per person and set of identifiers that must be removed,
-- added or updated, removals first.
-- Desired: in the segment today, consent granted for the destination's purpose (no statement: no), reachable by an
-- identifier the destination takes, still a person, not kept out by a control group or a list. A membership of a merged
-- person counts for today's person.
-- Removed is whatever the platform has, or may have (an attempt without an answer), and is not desired.
-- Only persons in `concerned` are looked at: of all others the platform acknowledged what they are today.
-- A row the platform refused for good is parked until payload, identifiers or consent change.
-- `readdress`: the person stays or stayed a member, under other identifiers; neither a new member nor a leaver.
insert into pg_temp.plan_row (
    operation, person_id, identifier_hash, identifier_keys, payload_hash, row_hash, membership_id, consent_id,
    was_present, readdress
)
with

wanted as (
    select
        member.person_id,
        member.membership_id
    from segment.membership as member
    where
        member.segment = %(segment)s
        and member.left_at is null
        and %(active)s
        and member.person_id in (select concerned.person_id from pg_temp.concerned)
        and not exists (select from identity.redirect where redirect.old_person_id = member.person_id)
    union all
    select
        redirect.person_id,
        max(member.membership_id) as membership_id
    from segment.membership as member
    inner join identity.redirect on member.person_id = redirect.old_person_id
    where
        member.segment = %(segment)s
        and member.left_at is null
        and %(active)s
        and redirect.person_id in (select concerned.person_id from pg_temp.concerned)
        and not exists (
            select from segment.membership as own
            where own.segment = member.segment and own.person_id = redirect.person_id and own.left_at is null
        )
    group by redirect.person_id
),

desired as (
    select
        wanted.person_id,
        wanted.membership_id,
        person_consent.consent_id,
        person.row_hash,
        case when 'email' = any(%(identifiers)s::text[]) then person.email end as email,
        case when 'phone' = any(%(identifiers)s::text[]) then person.phone end as phone,
        md5(
            %(identifier_version)s::text
            || case when 'email' = any(%(identifiers)s::text[]) then e'\x1f' || coalesce(person.email, '') else '' end
            || case when 'phone' = any(%(identifiers)s::text[]) then e'\x1f' || coalesce(person.phone, '') else '' end
        )::uuid as identifier_hash,
        md5(
            %(field_version)s::text
            || case when 'first_name' = any(%(fields)s::text[]) then e'\x1f' || coalesce(person.first_name, '') else '' end
            || case when 'last_name' = any(%(fields)s::text[]) then e'\x1f' || coalesce(person.last_name, '') else '' end
            || case when 'birth_on' = any(%(fields)s::text[]) then e'\x1f' || coalesce(person.birth_on::text, '') else '' end
            || case when 'gender' = any(%(fields)s::text[]) then e'\x1f' || coalesce(person.gender, '') else '' end
            || case when 'language' = any(%(fields)s::text[]) then e'\x1f' || coalesce(person.language, '') else '' end
            || case when 'country' = any(%(fields)s::text[]) then e'\x1f' || coalesce(person.country, '') else '' end
            || case when 'region' = any(%(fields)s::text[]) then e'\x1f' || coalesce(person.region, '') else '' end
            || case when 'city' = any(%(fields)s::text[]) then e'\x1f' || coalesce(person.city, '') else '' end
            || case when 'postcode' = any(%(fields)s::text[]) then e'\x1f' || coalesce(person.postcode, '') else '' end
        )::uuid as payload_hash
    from wanted
    inner join profile.person using (person_id)
    inner join consent.person_consent
        on
            wanted.person_id = person_consent.person_id
            and person_consent.purpose = %(purpose)s
            and person_consent.state = 'granted'
    where
        (
            ('email' = any(%(identifiers)s::text[]) and person.email is not null)
            or ('phone' = any(%(identifiers)s::text[]) and person.phone is not null)
        )
        and not exists (
            select from audience.excluded
            where excluded.audience_id = %(audience_id)s and excluded.person_id = wanted.person_id
        )
),

ledger as (
    select
        person_id,
        identifier_hash,
        acknowledged,
        payload_hash,
        consent_id,
        operation,
        attempt_state,
        attempt_payload_hash,
        acknowledged = 'present' or coalesce(attempt_state in ('sent', 'retriable'), false) as may_be_there
    from audience.member
    where
        audience_id = %(audience_id)s
        and person_id in (select concerned.person_id from pg_temp.concerned)
),

compared as materialized (
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
        desired.email,
        desired.phone,
        desired.payload_hash,
        desired.row_hash,
        desired.membership_id,
        desired.consent_id,
        coalesce(ledger.acknowledged = 'present', false) as was_present,
        ledger.person_id is not null as in_ledger
    from desired
    full join ledger
        on desired.person_id = ledger.person_id and desired.identifier_hash = ledger.identifier_hash
    where
        desired.person_id is null
        or ledger.person_id is null
        or ledger.attempt_state is not null
        or ledger.acknowledged = 'absent'
        or ledger.payload_hash is distinct from desired.payload_hash
),

changed as (
    select
        compared.*,
        case compared.operation
            when 'remove' then exists (
                select from compared as other
                where other.person_id = compared.person_id and other.operation in ('add', 'update')
            ) or exists (
                select from audience.member as other
                where
                    other.audience_id = %(audience_id)s
                    and other.person_id = compared.person_id
                    and (other.acknowledged = 'present' or other.attempt_state in ('sent', 'retriable'))
                    and not exists (
                        select from compared as leaving
                        where
                            leaving.person_id = other.person_id
                            and leaving.identifier_hash = other.identifier_hash
                            and leaving.operation = 'remove'
                    )
            )
            when 'add' then exists (
                select from compared as other
                where other.person_id = compared.person_id and other.operation = 'remove' and other.was_present
            )
            else false
        end as readdress
    from compared
    where compared.operation is not null
)

select
    operation,
    person_id,
    identifier_hash,
    jsonb_strip_nulls(jsonb_build_object('email', md5('email' || email)::uuid, 'phone', md5('phone' || phone)::uuid)) as identifier_keys,
    payload_hash,
    row_hash,
    membership_id,
    consent_id,
    was_present,
    readdress
from changed
order by case operation when 'remove' then 1 when 'add' then 2 else 3 end
