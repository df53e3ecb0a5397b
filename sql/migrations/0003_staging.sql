-- staging: one typed table a stream, in one of three shapes (person record, order entry, event). The shape is
-- the parent, the stream its partition: everything behind staging reads the parent and knows no vendor.
-- Holds only rows of batches that passed their checks. `ids` are vendor ids that identify a person, by identifier
-- type: {"shopify_customer": "77"}. `bad_casts` names columns whose raw value was there but could not be read.
create schema staging;

-- The bundle of identifiers an order or event carries: equal bundles are one record for stitching.
-- Null when there is none: such a row belongs to nobody.
create function staging.bundle_key(email text, phone text, ids jsonb) returns text
language sql immutable parallel safe as $$
    select case
        when email is null and phone is null and coalesce(ids, '{}') = '{}' then null
        else md5(coalesce(lower(email), '') || e'\x1f' || coalesce(phone, '') || e'\x1f' || coalesce(ids, '{}')::text)
    end
$$;

-- One row per person record at a source (contact, customer, member), keyed by the vendor's id.
create table staging.person_record (
    stream text not null,
    record_key text not null,
    raw_id bigint not null,
    batch_id bigint not null,
    payload_hash bytea not null,
    created_at timestamptz,      -- when the vendor made the record: decides which person id is the oldest
    changed_at timestamptz,      -- the vendor's last change: decides which of two versions is newer
    deleted boolean not null default false,
    email text,                  -- raw values; normal forms are made in identity
    phone text,
    phone_country text,          -- ISO 3166-1 alpha-2 that a national phone number is read in
    ids jsonb not null default '{}',
    first_name text,
    last_name text,
    birth_on date,
    gender text,
    language text,
    country text,                -- ISO 3166-1 alpha-2
    region text,
    city text,
    postcode text,
    interests text[] not null default '{}',
    email_client text,           -- what the person opens mail with
    consent_email text,          -- 'granted', 'withdrawn' or null: unknown
    consent_email_at timestamptz,
    consent_ads text,
    consent_ads_at timestamptz,
    consent_text text,           -- version of the text the person agreed to
    bad_casts text[] not null default '{}',
    published_at timestamptz not null default now(),
    primary key (stream, record_key)
) partition by list (stream);

-- One row per signed money movement of an order: a sold line (positive) or a return (negative).
create table staging.order_entry (
    stream text not null,
    record_key text not null,    -- the vendor's id of the landed record: an order, or a line of a file
    entry_no int not null,       -- position within the landed record, from 1
    raw_id bigint not null,
    batch_id bigint not null,
    payload_hash bytea not null,
    identity_key text,           -- staging.bundle_key
    changed_at timestamptz,
    order_key text not null,
    kind text not null check (kind in ('sale', 'return')),
    occurred_at timestamptz not null,
    local_hour int,              -- hour and ISO weekday on the shop's clock, when known
    local_weekday int,
    email text,
    phone text,
    phone_country text,
    ids jsonb not null default '{}',
    sku text,
    title text,
    quantity int,                -- signed like the amount
    amount_minor bigint not null,
    currency char(3) not null,
    country text,
    bad_casts text[] not null default '{}',
    published_at timestamptz not null default now(),
    primary key (stream, record_key, entry_no)
) partition by list (stream);

-- One row per thing a person did that is not an order: email_opened, email_clicked, email_bounced, cart_abandoned,
-- cart_recovered.
create table staging.event (
    stream text not null,
    record_key text not null,
    entry_no int not null,
    raw_id bigint not null,
    batch_id bigint not null,
    payload_hash bytea not null,
    identity_key text,
    changed_at timestamptz,
    name text not null,
    occurred_at timestamptz not null,
    email text,
    phone text,
    phone_country text,
    ids jsonb not null default '{}',
    amount_minor bigint,
    currency char(3),
    properties jsonb not null default '{}',
    bad_casts text[] not null default '{}',
    published_at timestamptz not null default now(),
    primary key (stream, record_key, entry_no)
) partition by list (stream);

create index on staging.person_record (batch_id);
create index on staging.order_entry (batch_id);
create index on staging.event (batch_id);

-- Vendor records that staging no longer holds (deleted at the source) are told to identity through this queue,
-- like new and changed ones: whatever publishes writes the keys here, build_persons drains it.
create table staging.changed_record (
    change_id bigint generated always as identity primary key,
    stream text not null,
    record_key text not null,
    batch_id bigint not null,
    changed_at timestamptz not null default now()
);
