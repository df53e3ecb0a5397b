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
    last_entry_on date not null,    -- of its newest sale or return
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

-- One row per entry of an order (a sold line, a return) that belongs to somebody; amounts signed.
create view profile.person_order_entry as
select
    r.person_id,
    e.stream,
    e.record_key,
    e.entry_no,
    e.order_key,
    e.kind,
    e.occurred_at,
    (e.occurred_at at time zone 'UTC')::date as occurred_on,
    e.sku,
    e.title,
    e.quantity,
    e.amount_minor,
    e.currency
from staging.order_entry as e
inner join identity.record as r on e.stream = r.stream and e.identity_key = r.record_key
where r.person_id is not null;

-- One row per person and order, as it stood at the end of a day (UTC): entries after that day do not count.
create function profile.orders_as_of(as_of date) returns table (
    person_id uuid,
    stream text,
    order_key text,
    ordered_on date,
    ordered_at timestamptz,
    local_hour int,
    local_weekday int,
    total_cents bigint,
    returned_cents bigint,
    currency char(3),
    is_purchase boolean
) language sql stable parallel safe as $$
    select
        o.person_id, o.stream, o.order_key, o.ordered_on, o.ordered_at, o.local_hour, o.local_weekday,
        o.total_cents, o.returned_cents, o.currency, o.is_purchase
    from profile.person_order as o
    where o.last_entry_on <= orders_as_of.as_of
    union all
    select
        o.person_id, o.stream, o.order_key, o.ordered_on, o.ordered_at, o.local_hour, o.local_weekday,
        t.total_cents, t.returned_cents, o.currency, t.is_purchase
    from profile.person_order as o
    cross join lateral (
        select
            sum(e.amount_minor)::bigint as total_cents,
            coalesce(-sum(e.amount_minor) filter (where e.kind = 'return'), 0)::bigint as returned_cents,
            bool_or(e.kind = 'sale') as is_purchase
        from identity.bundle_row as b
        inner join identity.record as r on r.record_id = b.record_id and r.person_id = o.person_id
        inner join staging.order_entry as e
            on
                e.stream = b.stream
                and e.record_key = b.source_key
                and e.order_key = b.order_key
                and e.identity_key = r.record_key
        where
            b.stream = o.stream
            and b.order_key = o.order_key
            and (e.occurred_at at time zone 'UTC')::date <= orders_as_of.as_of
    ) as t
    where
        o.ordered_on <= orders_as_of.as_of
        and o.last_entry_on > orders_as_of.as_of
        and t.total_cents is not null
$$;
