-- One row per record of a dropped file: the newest version that landed in the given batches, its fields renamed and cast by the mapping.
-- A value that cannot be read is null and its column is named in bad_casts.
with

-- What the project brings, and over it what lies beside the data (the landing keeps that in the cursor).
mapping as materialized (
    select
        one.key as name,
        (one.value ->> 'created_at')::jsonpath as created_at,
        (one.value ->> 'created_at_else')::jsonpath as created_at_else,
        (one.value ->> 'changed_at')::jsonpath as changed_at,
        (one.value ->> 'changed_at_else')::jsonpath as changed_at_else,
        (one.value ->> 'deleted')::jsonpath as deleted,
        (one.value ->> 'deleted_else')::jsonpath as deleted_else,
        (one.value ->> 'email')::jsonpath as email,
        (one.value ->> 'email_else')::jsonpath as email_else,
        (one.value ->> 'phone')::jsonpath as phone,
        (one.value ->> 'phone_else')::jsonpath as phone_else,
        (one.value ->> 'phone_country')::jsonpath as phone_country,
        (one.value ->> 'phone_country_else')::jsonpath as phone_country_else,
        (one.value ->> 'first_name')::jsonpath as first_name,
        (one.value ->> 'first_name_else')::jsonpath as first_name_else,
        (one.value ->> 'last_name')::jsonpath as last_name,
        (one.value ->> 'last_name_else')::jsonpath as last_name_else,
        (one.value ->> 'birth_on')::jsonpath as birth_on,
        (one.value ->> 'birth_on_else')::jsonpath as birth_on_else,
        (one.value ->> 'gender')::jsonpath as gender,
        (one.value ->> 'gender_else')::jsonpath as gender_else,
        (one.value ->> 'language')::jsonpath as language,
        (one.value ->> 'language_else')::jsonpath as language_else,
        (one.value ->> 'country')::jsonpath as country,
        (one.value ->> 'country_else')::jsonpath as country_else,
        (one.value ->> 'region')::jsonpath as region,
        (one.value ->> 'region_else')::jsonpath as region_else,
        (one.value ->> 'city')::jsonpath as city,
        (one.value ->> 'city_else')::jsonpath as city_else,
        (one.value ->> 'postcode')::jsonpath as postcode,
        (one.value ->> 'postcode_else')::jsonpath as postcode_else,
        (one.value ->> 'email_client')::jsonpath as email_client,
        (one.value ->> 'email_client_else')::jsonpath as email_client_else,
        (one.value ->> 'consent_text')::jsonpath as consent_text,
        (one.value ->> 'consent_text_else')::jsonpath as consent_text_else,
        (one.value ->> 'consent_email_path')::jsonpath as consent_email_path,
        array(select jsonb_array_elements_text(one.value -> 'consent_email_granted')) as consent_email_granted,
        array(select jsonb_array_elements_text(one.value -> 'consent_email_withdrawn')) as consent_email_withdrawn,
        (one.value ->> 'consent_email_granted_at')::jsonpath as consent_email_granted_at,
        (one.value ->> 'consent_email_withdrawn_at')::jsonpath as consent_email_withdrawn_at,
        (one.value ->> 'consent_email_opt_out')::jsonpath as consent_email_opt_out,
        array(select jsonb_array_elements_text(one.value -> 'consent_email_opt_out_values')) as consent_email_opt_out_values,
        (one.value ->> 'consent_email_opt_out_at')::jsonpath as consent_email_opt_out_at,
        (one.value ->> 'consent_ads_path')::jsonpath as consent_ads_path,
        array(select jsonb_array_elements_text(one.value -> 'consent_ads_granted')) as consent_ads_granted,
        array(select jsonb_array_elements_text(one.value -> 'consent_ads_withdrawn')) as consent_ads_withdrawn,
        (one.value ->> 'consent_ads_granted_at')::jsonpath as consent_ads_granted_at,
        (one.value ->> 'consent_ads_withdrawn_at')::jsonpath as consent_ads_withdrawn_at,
        (one.value ->> 'consent_ads_opt_out')::jsonpath as consent_ads_opt_out,
        array(select jsonb_array_elements_text(one.value -> 'consent_ads_opt_out_values')) as consent_ads_opt_out_values,
        (one.value ->> 'consent_ads_opt_out_at')::jsonpath as consent_ads_opt_out_at,
        (one.value ->> 'interests_path')::jsonpath as interests_path,
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

newest as (
    select distinct on (record_key)
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
    order by record_key, raw_id desc
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
            jsonb_path_query_first(n.payload, m.interests_path, '{}', true),
            m.interests_separator, m.interests_prefix, m.interests_names
        ) as interests,
        staging.read_consent(
            staging.pick(n.payload, m.consent_email_path), m.consent_email_granted, m.consent_email_withdrawn
        ) as email_said,
        coalesce(lower(staging.pick(n.payload, m.consent_email_opt_out)) = any(m.consent_email_opt_out_values), false) as email_opted_out,
        staging.pick(n.payload, m.consent_email_granted_at) as email_granted_at,
        staging.pick(n.payload, m.consent_email_withdrawn_at) as email_withdrawn_at,
        staging.pick(n.payload, m.consent_email_opt_out_at) as email_opt_out_at,
        staging.read_consent(
            staging.pick(n.payload, m.consent_ads_path), m.consent_ads_granted, m.consent_ads_withdrawn
        ) as ads_said,
        coalesce(lower(staging.pick(n.payload, m.consent_ads_opt_out)) = any(m.consent_ads_opt_out_values), false) as ads_opted_out,
        staging.pick(n.payload, m.consent_ads_granted_at) as ads_granted_at,
        staging.pick(n.payload, m.consent_ads_withdrawn_at) as ads_withdrawn_at,
        staging.pick(n.payload, m.consent_ads_opt_out_at) as ads_opt_out_at,
        m.constant_timezone as constant_timezone,
        m.constant_date_order as constant_date_order,
        m.constant_country as constant_country,
        m.constant_phone_country as constant_phone_country,
        m.countries as countries,
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
        constant_timezone,
        constant_date_order,
        constant_country,
        constant_phone_country,
        countries,
        line_error,
        line_deleted,
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
        staging.read_time(created_at, constant_timezone, constant_date_order) as created_at,
        staging.read_time(changed_at, constant_timezone, constant_date_order) as changed_at,
        coalesce(lower(deleted) in ('true', 't', '1', 'yes'), false) or line_deleted as deleted,
        email,
        phone,
        coalesce(staging.read_country(phone_country, countries), constant_phone_country) as phone_country,
        ids,
        first_name,
        last_name,
        staging.read_date(birth_on, constant_date_order) as birth_on,
        gender,
        language,
        case
            when country is null then constant_country
            when countries ? lower(country) then countries ->> lower(country)
            else coalesce(staging.read_country(country, countries), country)
        end as country,
        region,
        city,
        postcode,
        interests,
        email_client,
        consent_email,
        staging.read_time(consent_email_said_at, constant_timezone, constant_date_order) as consent_email_at,
        consent_ads,
        staging.read_time(consent_ads_said_at, constant_timezone, constant_date_order) as consent_ads_at,
        consent_text,
        line_error
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
        case when consent_ads_said_at is not null and consent_ads_at is null then 'consent_ads_at' end,
        line_error
    ], null) as bad_casts
from cast_row
