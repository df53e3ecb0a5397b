-- One row per version of a deleted record in which its last word about a purpose is a withdrawal, and that names somebody:
-- build_persons writes it down. Looked at are the deleted version, those that landed beside it (`earlier_version`), and the
-- one in staging if no build has seen it yet. A version that says nothing about a purpose takes nothing back.
insert into staging.last_word (
    stream, record_key, raw_id, batch_id, email, phone, phone_country, ids,
    consent_email, consent_email_at, consent_ads, consent_ads_at, consent_text, changed_at
)
with

version as (
    select
        stream, record_key, raw_id, batch_id, email, phone, phone_country, ids, consent_email, consent_email_at, consent_ads,
        consent_ads_at, consent_text, changed_at
    from checking.deletion
    where stream = %(stream)s
    union all
    select
        stream, record_key, raw_id, batch_id, email, phone, phone_country, ids, consent_email, consent_email_at, consent_ads,
        consent_ads_at, consent_text, changed_at
    from earlier_version
    union all
    select
        p.stream, p.record_key, p.raw_id, p.batch_id, p.email, p.phone, p.phone_country, p.ids, p.consent_email,
        p.consent_email_at, p.consent_ads, p.consent_ads_at, p.consent_text, p.changed_at
    from published as p
    inner join checking.deletion as d on d.stream = %(stream)s and p.record_key = d.record_key
    where
        exists (
            select from staging.changed_record as waiting
            where waiting.stream = %(stream)s and waiting.record_key = p.record_key
        )
),

last_said as (
    select distinct on (version.record_key, said.purpose)
        version.record_key,
        version.raw_id,
        said.purpose,
        said.state
    from version
    cross join lateral (values ('email', version.consent_email), ('ads', version.consent_ads)) as said (purpose, state)
    where said.state is not null
    order by version.record_key, said.purpose, version.raw_id desc
),

withdrawn as (
    select
        record_key,
        raw_id,
        bool_or(purpose = 'email') as email,
        bool_or(purpose = 'ads') as ads
    from last_said
    where state = 'withdrawn'
    group by record_key, raw_id
)

select
    v.stream,
    v.record_key,
    v.raw_id,
    v.batch_id,
    v.email,
    v.phone,
    v.phone_country,
    coalesce(v.ids, '{}'),
    case when w.email then v.consent_email end,
    case when w.email then v.consent_email_at end,
    case when w.ads then v.consent_ads end,
    case when w.ads then v.consent_ads_at end,
    v.consent_text,
    v.changed_at
from version as v
inner join withdrawn as w on v.record_key = w.record_key and v.raw_id = w.raw_id
where v.email is not null or v.phone is not null or coalesce(v.ids, '{}') <> '{}'
on conflict (stream, record_key, raw_id) do nothing
returning record_key, batch_id
