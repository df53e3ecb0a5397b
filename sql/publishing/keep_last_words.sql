-- One row per deleted record whose last version withdraws a consent and names somebody: build_persons writes it down.
insert into staging.last_word (
    stream, record_key, raw_id, batch_id, email, phone, phone_country, ids,
    consent_email, consent_email_at, consent_ads, consent_ads_at, consent_text, changed_at
)
select
    stream,
    record_key,
    raw_id,
    batch_id,
    email,
    phone,
    phone_country,
    coalesce(ids, '{}'),
    consent_email,
    consent_email_at,
    consent_ads,
    consent_ads_at,
    consent_text,
    changed_at
from checking.deletion
where
    stream = %(stream)s
    and (consent_email = 'withdrawn' or consent_ads = 'withdrawn')
    and (email is not null or phone is not null or coalesce(ids, '{}') <> '{}')
on conflict (stream, record_key, raw_id) do nothing
returning record_key, batch_id
