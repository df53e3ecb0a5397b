-- A person record that its source deleted may say "no" in its last version. The record leaves staging; the withdrawal
-- must not leave with it, also when no earlier version was ever seen.

-- One row per deleted record and version in which a consent is withdrawn: what build_persons writes into the ledger.
create table staging.last_word (
    stream text not null,
    record_key text not null,
    raw_id bigint not null,
    batch_id bigint not null,
    email text,                  -- raw values, as staging.person_record has them
    phone text,
    phone_country text,
    ids jsonb not null,
    consent_email text,
    consent_email_at timestamptz,
    consent_ads text,
    consent_ads_at timestamptz,
    consent_text text,
    changed_at timestamptz,
    published_at timestamptz not null default now(),
    primary key (stream, record_key, raw_id)
);

-- What the deleted version said waits beside its deletion until the batch is published.
alter table checking.deletion
add column email text,
add column phone text,
add column phone_country text,
add column ids jsonb,
add column consent_email text,
add column consent_email_at timestamptz,
add column consent_ads text,
add column consent_ads_at timestamptz,
add column consent_text text;

create unlogged table identity.work_last_word (  -- whom tonight's last words name, one row per identifier
    stream text not null,
    record_key text not null,
    raw_id bigint not null,
    type text not null,
    raw_value text not null,
    country text not null
);
