-- profile: golden record and traits. Rebuilt from staging and identity at any time.
create schema profile;

-- One row per person; `winners` names the stream each value came from: {"city": "shopify.customers"}.
create table profile.person (
    person_id uuid primary key,
    email text,                  -- normal forms; the address a mail would go to
    phone text,                  -- E.164
    first_name text,
    last_name text,
    birth_on date,
    gender text,
    language text,
    country text,
    region text,
    city text,
    postcode text,
    interests text[] not null default '{}',
    email_client text,
    customer_since timestamptz,  -- oldest created_at of the person's records
    winners jsonb not null default '{}',
    row_hash bytea not null
);

-- One row per person and order: sold and returned money in minor units.
create table profile.person_order (
    person_id uuid not null,
    stream text not null,
    order_key text not null,
    ordered_at timestamptz not null,
    ordered_on date not null,
    local_hour int,
    local_weekday int,           -- ISO: 1 is Monday
    sold_cents bigint not null,
    returned_cents bigint not null, -- zero or more
    total_cents bigint not null,    -- sold minus returned
    quantity bigint not null,
    currency char(3) not null,
    is_purchase boolean not null,   -- the order has a sold line
    primary key (stream, order_key, person_id)
);
create index on profile.person_order (person_id);

create table profile.person_event (
    person_id uuid not null,
    stream text not null,
    record_key text not null,
    entry_no int not null,
    name text not null,
    occurred_at timestamptz not null,
    amount_minor bigint,
    currency char(3),
    properties jsonb not null,
    primary key (stream, record_key, entry_no)
);
create index on profile.person_event (person_id, name, occurred_at);

-- One row per person; each family of columns is filled by one file in sql/traits. Money in cents of `currency`.
create table profile.trait (
    person_id uuid primary key,
    as_of date not null,
    -- orders (sql/traits/orders.sql)
    currency char(3),
    order_count int not null default 0,
    return_count int not null default 0,
    first_ordered_on date,
    last_ordered_on date,
    total_cents bigint not null default 0,
    year_cents bigint not null default 0,          -- net of returns, 365 days up to as_of
    average_order_cents bigint,
    favourite_hour int,
    favourite_weekday int,
    -- RFM (sql/traits/rfm.sql): scores 1 (worst) to 5 (best) among buyers
    recency_days int,
    frequency int,
    monetary_cents bigint,
    rfm_recency int,
    rfm_frequency int,
    rfm_monetary int,
    rfm_segment text,
    -- engagement (sql/traits/engagement.sql): e-mail, last 90 days
    opens_90d int not null default 0,
    clicks_90d int not null default 0,
    last_engaged_at timestamptz,
    engagement text not null default 'none',       -- none, low, medium, high
    -- lifecycle (sql/traits/lifecycle.sql)
    lifecycle text not null default 'prospect',    -- prospect, new, active, at_risk, lapsed
    -- cart (sql/traits/cart.sql)
    open_cart_at timestamptz,
    open_cart_cents bigint
);
