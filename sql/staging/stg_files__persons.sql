-- One row per record of a dropped file: the newest version that landed in the given batches, its fields renamed and cast by the
-- mapping.
-- A value that cannot be read is null and its column is named in bad_casts. With `version_ids`: these versions, each of them.
with

-- What the project brings, and over it what lies beside the data (the landing keeps that in the cursor).
mapping as materialized (
    select
        one.key as name,
        nullif(array(select jsonb_array_elements_text(one.value -> 'created_at')), '{}') as created_at,
        nullif(array(select jsonb_array_elements_text(one.value -> 'created_at_else')), '{}') as created_at_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'changed_at')), '{}') as changed_at,
        nullif(array(select jsonb_array_elements_text(one.value -> 'changed_at_else')), '{}') as changed_at_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'deleted')), '{}') as deleted,
        nullif(array(select jsonb_array_elements_text(one.value -> 'deleted_else')), '{}') as deleted_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'email')), '{}') as email,
        nullif(array(select jsonb_array_elements_text(one.value -> 'email_else')), '{}') as email_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'phone')), '{}') as phone,
        nullif(array(select jsonb_array_elements_text(one.value -> 'phone_else')), '{}') as phone_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'phone_country')), '{}') as phone_country,
        nullif(array(select jsonb_array_elements_text(one.value -> 'phone_country_else')), '{}') as phone_country_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'first_name')), '{}') as first_name,
        nullif(array(select jsonb_array_elements_text(one.value -> 'first_name_else')), '{}') as first_name_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'last_name')), '{}') as last_name,
        nullif(array(select jsonb_array_elements_text(one.value -> 'last_name_else')), '{}') as last_name_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'birth_on')), '{}') as birth_on,
        nullif(array(select jsonb_array_elements_text(one.value -> 'birth_on_else')), '{}') as birth_on_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'gender')), '{}') as gender,
        nullif(array(select jsonb_array_elements_text(one.value -> 'gender_else')), '{}') as gender_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'language')), '{}') as language,
        nullif(array(select jsonb_array_elements_text(one.value -> 'language_else')), '{}') as language_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'country')), '{}') as country,
        nullif(array(select jsonb_array_elements_text(one.value -> 'country_else')), '{}') as country_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'region')), '{}') as region,
        nullif(array(select jsonb_array_elements_text(one.value -> 'region_else')), '{}') as region_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'city')), '{}') as city,
        nullif(array(select jsonb_array_elements_text(one.value -> 'city_else')), '{}') as city_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'postcode')), '{}') as postcode,
        nullif(array(select jsonb_array_elements_text(one.value -> 'postcode_else')), '{}') as postcode_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'email_client')), '{}') as email_client,
        nullif(array(select jsonb_array_elements_text(one.value -> 'email_client_else')), '{}') as email_client_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'consent_text')), '{}') as consent_text,
        nullif(array(select jsonb_array_elements_text(one.value -> 'consent_text_else')), '{}') as consent_text_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'consent_email_path')), '{}') as consent_email_path,
        array(select jsonb_array_elements_text(one.value -> 'consent_email_granted')) as consent_email_granted,
        array(select jsonb_array_elements_text(one.value -> 'consent_email_withdrawn')) as consent_email_withdrawn,
        nullif(
            array(select jsonb_array_elements_text(one.value -> 'consent_email_granted_at')), '{}'
        ) as consent_email_granted_at,
        nullif(
            array(select jsonb_array_elements_text(one.value -> 'consent_email_withdrawn_at')), '{}'
        ) as consent_email_withdrawn_at,
        nullif(array(select jsonb_array_elements_text(one.value -> 'consent_email_opt_out')), '{}') as consent_email_opt_out,
        array(select jsonb_array_elements_text(one.value -> 'consent_email_opt_out_values')) as consent_email_opt_out_values,
        nullif(
            array(select jsonb_array_elements_text(one.value -> 'consent_email_opt_out_at')), '{}'
        ) as consent_email_opt_out_at,
        nullif(array(select jsonb_array_elements_text(one.value -> 'consent_ads_path')), '{}') as consent_ads_path,
        array(select jsonb_array_elements_text(one.value -> 'consent_ads_granted')) as consent_ads_granted,
        array(select jsonb_array_elements_text(one.value -> 'consent_ads_withdrawn')) as consent_ads_withdrawn,
        nullif(array(select jsonb_array_elements_text(one.value -> 'consent_ads_granted_at')), '{}') as consent_ads_granted_at,
        nullif(
            array(select jsonb_array_elements_text(one.value -> 'consent_ads_withdrawn_at')), '{}'
        ) as consent_ads_withdrawn_at,
        nullif(array(select jsonb_array_elements_text(one.value -> 'consent_ads_opt_out')), '{}') as consent_ads_opt_out,
        array(select jsonb_array_elements_text(one.value -> 'consent_ads_opt_out_values')) as consent_ads_opt_out_values,
        nullif(array(select jsonb_array_elements_text(one.value -> 'consent_ads_opt_out_at')), '{}') as consent_ads_opt_out_at,
        nullif(array(select jsonb_array_elements_text(one.value -> 'interests_path')), '{}') as interests_path,
        one.value ->> 'interests_separator' as interests_separator,
        one.value ->> 'interests_prefix' as interests_prefix,
        one.value -> 'interests_names' as interests_names,
        one.value -> 'ids' as ids,
        one.value -> 'countries' as countries,
        one.value ->> 'constant_timezone' as constant_timezone,
        one.value ->> 'constant_date_order' as constant_date_order,
        one.value ->> 'constant_country' as constant_country,
        one.value ->> 'constant_phone_country' as constant_phone_country
    from jsonb_each(
        %(mappings)s::jsonb
        || coalesce((select c.cursor -> 'mappings' from ops.stream_cursor as c where c.stream = %(stream)s), '{}')
    ) as one
),

setting as materialized (
    select
        name,
        countries,
        constant_timezone,
        constant_date_order,
        constant_country,
        constant_phone_country
    from mapping
),

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
        staging.pick(n.payload, m.created_at, m.created_at_else) as created_at,
        staging.pick(n.payload, m.changed_at, m.changed_at_else) as changed_at,
        staging.pick(n.payload, m.deleted, m.deleted_else) as deleted,
        staging.pick(n.payload, m.email, m.email_else) as email,
        staging.pick(n.payload, m.phone, m.phone_else) as phone,
        staging.pick(n.payload, m.phone_country, m.phone_country_else) as phone_country,
        staging.pick(n.payload, m.first_name, m.first_name_else) as first_name,
        staging.pick(n.payload, m.last_name, m.last_name_else) as last_name,
        staging.pick(n.payload, m.birth_on, m.birth_on_else) as birth_on,
        staging.pick(n.payload, m.gender, m.gender_else) as gender,
        staging.pick(n.payload, m.language, m.language_else) as language,
        staging.pick(n.payload, m.country, m.country_else) as country,
        staging.pick(n.payload, m.region, m.region_else) as region,
        staging.pick(n.payload, m.city, m.city_else) as city,
        staging.pick(n.payload, m.postcode, m.postcode_else) as postcode,
        staging.pick(n.payload, m.email_client, m.email_client_else) as email_client,
        staging.pick(n.payload, m.consent_text, m.consent_text_else) as consent_text,
        staging.read_ids(n.payload, m.ids) as ids,
        staging.read_interests(
            n.payload #> m.interests_path,
            m.interests_separator, m.interests_prefix, m.interests_names
        ) as interests,
        staging.read_consent(
            staging.pick(n.payload, m.consent_email_path), m.consent_email_granted, m.consent_email_withdrawn
        ) as email_said,
        coalesce(
            lower(staging.pick(n.payload, m.consent_email_opt_out)) = any(m.consent_email_opt_out_values), false
        ) as email_opted_out,
        staging.pick(n.payload, m.consent_email_granted_at) as email_granted_at,
        staging.pick(n.payload, m.consent_email_withdrawn_at) as email_withdrawn_at,
        staging.pick(n.payload, m.consent_email_opt_out_at) as email_opt_out_at,
        staging.read_consent(
            staging.pick(n.payload, m.consent_ads_path), m.consent_ads_granted, m.consent_ads_withdrawn
        ) as ads_said,
        coalesce(
            lower(staging.pick(n.payload, m.consent_ads_opt_out)) = any(m.consent_ads_opt_out_values), false
        ) as ads_opted_out,
        staging.pick(n.payload, m.consent_ads_granted_at) as ads_granted_at,
        staging.pick(n.payload, m.consent_ads_withdrawn_at) as ads_withdrawn_at,
        staging.pick(n.payload, m.consent_ads_opt_out_at) as ads_opt_out_at,
        n.payload ->> '_mapping' as mapping,
        n.payload ->> '_error' as line_error,
        coalesce(n.payload ->> '_deleted' = 'true', false) as line_deleted
    from parsed as n
    left join mapping as m on m.name = n.payload ->> '_mapping'
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
        ids,
        interests,
        line_error,
        line_deleted,
        mapping,
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
        staging.read_time(created_at, m.constant_timezone, m.constant_date_order) as created_at,
        staging.read_time(changed_at, m.constant_timezone, m.constant_date_order) as changed_at,
        coalesce(lower(deleted) in ('true', 't', '1', 'yes', 'archived', 'deleted'), false) or line_deleted as deleted,
        email,
        phone,
        coalesce(staging.read_country(phone_country, m.countries), m.constant_phone_country) as phone_country,
        ids,
        first_name,
        last_name,
        staging.read_date(birth_on, m.constant_date_order) as birth_on,
        gender,
        language,
        case
            when country is null then m.constant_country
            when m.countries ? lower(country) then m.countries ->> lower(country)
            else coalesce(staging.read_country(country, m.countries), country)
        end as country,
        region,
        city,
        postcode,
        interests,
        email_client,
        consent_email,
        staging.read_time(consent_email_said_at, m.constant_timezone, m.constant_date_order) as consent_email_at,
        consent_ads,
        staging.read_time(consent_ads_said_at, m.constant_timezone, m.constant_date_order) as consent_ads_at,
        consent_text,
        line_error
    from consented
    left join setting as m on consented.mapping = m.name
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
        case when consent_ads_said_at is not null and consent_ads_at is null then 'consent_ads_at' end,
        line_error
    ], null) as bad_casts,
    null::text as company_key,  -- a file of persons names no company
    null::text as company_stream
from cast_row
