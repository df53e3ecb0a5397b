-- One row per record the source deleted, out of the candidate: nothing in it is to be checked. Whom it named and what it
-- said about consent stay beside it (see keep_last_words).
-- `candidate` is the stream's candidate table (include/publishing.py names it).
with

gone as (
    delete from candidate
    where deleted
    returning
        stream, record_key, raw_id, batch_id, payload_hash, changed_at, email, phone, phone_country, ids,
        consent_email, consent_email_at, consent_ads, consent_ads_at, consent_text
)

insert into checking.deletion (
    stream, record_key, raw_id, batch_id, payload_hash, changed_at, email, phone, phone_country, ids,
    consent_email, consent_email_at, consent_ads, consent_ads_at, consent_text
)
select
    stream,
    record_key,
    raw_id,
    batch_id,
    payload_hash,
    changed_at,
    email,
    phone,
    phone_country,
    ids,
    consent_email,
    consent_email_at,
    consent_ads,
    consent_ads_at,
    consent_text
from gone
where record_key is not null
on conflict (stream, record_key) do nothing
