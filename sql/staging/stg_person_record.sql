-- One row per contact, customer or member of any source whose payload one mapping describes: the newest version that landed
-- in the given batches, its fields renamed and cast by that mapping.
-- A value that cannot be read is null and its column is named in bad_casts. With `version_ids`: these versions, each of them.
with

newest as (
    select distinct on (record_key, case when %(version_ids)s::bigint[] is not null then raw_id end)
        stream,
        record_key,
        raw_id,
        batch_id,
        payload_hash,
        payload
    from raw.record
    where
        stream = %(stream)s
        and batch_id = any(%(batch_ids)s::bigint[])
        and (%(version_ids)s::bigint[] is null or raw_id = any(%(version_ids)s::bigint[]))
    order by record_key, case when %(version_ids)s::bigint[] is not null then raw_id end, raw_id desc
),

parsed as materialized (
    select
        stream,
        record_key,
        raw_id,
        batch_id,
        payload_hash,
        payload::jsonb as payload
    from newest
),

picked as materialized (
    select
        n.stream,
        n.record_key,
        n.raw_id,
        n.batch_id,
        n.payload_hash,
        staging.pick(n.payload, %(created_at)s::text[], %(created_at_else)s::text[]) as created_at,
        staging.pick(n.payload, %(changed_at)s::text[], %(changed_at_else)s::text[]) as changed_at,
        coalesce(
            n.payload ->> '_deleted', staging.pick(n.payload, %(deleted)s::text[], %(deleted_else)s::text[])
        ) as deleted,
        staging.pick(n.payload, %(email)s::text[], %(email_else)s::text[]) as email,
        staging.pick(n.payload, %(phone)s::text[], %(phone_else)s::text[]) as phone,
        staging.pick(n.payload, %(phone_country)s::text[], %(phone_country_else)s::text[]) as phone_country,
        staging.pick(n.payload, %(first_name)s::text[], %(first_name_else)s::text[]) as first_name,
        staging.pick(n.payload, %(last_name)s::text[], %(last_name_else)s::text[]) as last_name,
        staging.pick(n.payload, %(birth_on)s::text[], %(birth_on_else)s::text[]) as birth_on,
        staging.pick(n.payload, %(gender)s::text[], %(gender_else)s::text[]) as gender,
        staging.pick(n.payload, %(language)s::text[], %(language_else)s::text[]) as language,
        staging.pick(n.payload, %(country)s::text[], %(country_else)s::text[]) as country,
        staging.pick(n.payload, %(region)s::text[], %(region_else)s::text[]) as region,
        staging.pick(n.payload, %(city)s::text[], %(city_else)s::text[]) as city,
        staging.pick(n.payload, %(postcode)s::text[], %(postcode_else)s::text[]) as postcode,
        staging.pick(n.payload, %(email_client)s::text[], %(email_client_else)s::text[]) as email_client,
        staging.pick(n.payload, %(consent_text)s::text[], %(consent_text_else)s::text[]) as consent_text,
        staging.pick(n.payload, %(company_key)s::text[], %(company_key_else)s::text[]) as company_key,
        staging.read_ids(n.payload, %(ids)s::jsonb) as ids,
        staging.read_interests(
            n.payload #> %(interests_path)s::text[],
            %(interests_separator)s::text, %(interests_prefix)s::text, %(interests_names)s::jsonb
        ) as interests,
        staging.read_consent(
            staging.pick(n.payload, %(consent_email_path)s::text[]),
            %(consent_email_granted)s::text[],
            %(consent_email_withdrawn)s::text[]
        ) as email_said,
        coalesce(
            lower(staging.pick(n.payload, %(consent_email_opt_out)s::text[])) = any(%(consent_email_opt_out_values)s::text[]),
            false
        ) as email_opted_out,
        staging.pick(n.payload, %(consent_email_granted_at)s::text[]) as email_granted_at,
        staging.pick(n.payload, %(consent_email_withdrawn_at)s::text[]) as email_withdrawn_at,
        staging.pick_newest(n.payload, %(consent_email_opt_out_at)s::text[]) as email_opt_out_at,
        staging.read_consent(
            staging.pick(n.payload, %(consent_ads_path)s::text[]),
            %(consent_ads_granted)s::text[],
            %(consent_ads_withdrawn)s::text[]
        ) as ads_said,
        coalesce(
            lower(staging.pick(n.payload, %(consent_ads_opt_out)s::text[])) = any(%(consent_ads_opt_out_values)s::text[]),
            false
        ) as ads_opted_out,
        staging.pick(n.payload, %(consent_ads_granted_at)s::text[]) as ads_granted_at,
        staging.pick(n.payload, %(consent_ads_withdrawn_at)s::text[]) as ads_withdrawn_at,
        staging.pick_newest(n.payload, %(consent_ads_opt_out_at)s::text[]) as ads_opt_out_at
    from parsed as n
),

consented as (
    select
        stream,
        record_key,
        raw_id,
        batch_id,
        payload_hash,
        created_at,
        changed_at,
        deleted,
        email,
        phone,
        phone_country,
        first_name,
        last_name,
        birth_on,
        gender,
        language,
        country,
        region,
        city,
        postcode,
        email_client,
        consent_text,
        company_key,
        ids,
        interests,
        case when email_opted_out then 'withdrawn' else email_said end as consent_email,
        case
            when email_said = 'withdrawn' then email_withdrawn_at
            when email_opted_out then email_opt_out_at
            when email_said = 'granted' then email_granted_at
        end as consent_email_said_at,
        case when ads_opted_out then 'withdrawn' else ads_said end as consent_ads,
        case
            when ads_said = 'withdrawn' then ads_withdrawn_at
            when ads_opted_out then ads_opt_out_at
            when ads_said = 'granted' then ads_granted_at
        end as consent_ads_said_at
    from picked
),

cast_row as (
    select
        stream,
        record_key,
        raw_id,
        batch_id,
        payload_hash,
        created_at as raw_created_at,
        changed_at as raw_changed_at,
        birth_on as raw_birth_on,
        consent_email_said_at,
        consent_ads_said_at,
        staging.read_time(created_at, %(constant_timezone)s::text, %(constant_date_order)s::text) as created_at,
        staging.read_time(changed_at, %(constant_timezone)s::text, %(constant_date_order)s::text) as changed_at,
        coalesce(lower(deleted) in ('true', 't', '1', 'yes', 'archived', 'deleted'), false) as deleted,
        email,
        phone,
        coalesce(staging.read_country(phone_country, %(countries)s::jsonb), %(constant_phone_country)s::text) as phone_country,
        ids,
        first_name,
        last_name,
        staging.read_date(birth_on, %(constant_date_order)s::text) as birth_on,
        gender,
        language,
        case
            when country is null then %(constant_country)s::text
            when %(countries)s::jsonb ? lower(country) then %(countries)s::jsonb ->> lower(country)
            else coalesce(staging.read_country(country, %(countries)s::jsonb), country)
        end as country,
        region,
        city,
        postcode,
        interests,
        email_client,
        consent_email,
        staging.read_time(consent_email_said_at, %(constant_timezone)s::text, %(constant_date_order)s::text) as consent_email_at,
        consent_ads,
        staging.read_time(consent_ads_said_at, %(constant_timezone)s::text, %(constant_date_order)s::text) as consent_ads_at,
        consent_text,
        company_key
    from consented
)

select
    stream,
    record_key,
    raw_id,
    batch_id,
    payload_hash,
    created_at,
    changed_at,
    deleted,
    email,
    phone,
    phone_country,
    ids,
    first_name,
    last_name,
    birth_on,
    gender,
    language,
    country,
    region,
    city,
    postcode,
    interests,
    email_client,
    consent_email,
    consent_email_at,
    consent_ads,
    consent_ads_at,
    consent_text,
    array_remove(array[
        case when raw_created_at is not null and created_at is null then 'created_at' end,
        case when raw_changed_at is not null and changed_at is null then 'changed_at' end,
        case when raw_birth_on is not null and birth_on is null then 'birth_on' end,
        case when consent_email_said_at is not null and consent_email_at is null then 'consent_email_at' end,
        case when consent_ads_said_at is not null and consent_ads_at is null then 'consent_ads_at' end
    ], null) as bad_casts,
    company_key,
    case when company_key is not null then %(constant_company_stream)s::text end as company_stream
from cast_row
