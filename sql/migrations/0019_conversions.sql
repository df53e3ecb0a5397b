-- conversion: orders told back to the ads platforms, and what each platform acknowledged of every order.
create schema conversion;

-- The units of a currency's minor unit: 100 for euro cents, 1 where there are none. The same rule as staging.to_minor.
create function conversion.minor_per_unit(currency text) returns int
language sql immutable strict parallel safe
return (staging.to_minor(1, currency))::int;

-- One row per call to a platform.
create table conversion.batch (
    batch_id bigint generated always as identity primary key,
    destination text not null,   -- 'google'
    action_id text not null,     -- what counts the conversions at the platform
    dag_run_id text,
    state text not null default 'sent' check (state in ('sent', 'accepted', 'confirmed', 'failed', 'unknown')),
    sent int not null,
    accepted int not null default 0,
    rejected int not null default 0,
    unknown int not null,
    job_id text,                 -- what the platform's answer is asked for by
    request_id text,
    error_class text,
    error_code text,
    started_at timestamptz not null,
    ended_at timestamptz,
    constraint every_order_is_accounted_for check (sent = accepted + rejected + unknown)
);
create index on conversion.batch (destination, action_id, batch_id) where state in ('sent', 'accepted');

-- One row per action and order that was ever told, or is being told. An order is known by its transaction id, so that
-- telling it twice counts once; another value for the same id is a restatement (a return, a refund: 0 when all came back).
create table conversion.told (
    destination text not null,
    action_id text not null,
    transaction_id text not null, -- '<stream>/<order key>'
    stream text not null,
    order_key text not null,
    person_id uuid not null,     -- who was named when it was last sent
    consent_id bigint not null,  -- consent.ledger row that allowed it then
    currency char(3) not null,
    acknowledged_minor bigint,   -- value the platform took, in minor units; null: it has none
    acknowledged_at timestamptz,
    confirmed_at timestamptz,    -- null: taken, and not yet said to have been worked off
    -- the open attempt, if there is one; 'sent' means: nobody knows whether the platform applied it
    attempt_minor bigint,
    attempt_state text check (attempt_state in ('sent', 'retriable', 'rejected')),
    batch_id bigint,             -- of the last attempt
    batch_row int,
    tries int not null default 0,
    error_code text,
    error_text text,
    primary key (destination, action_id, transaction_id)
);
create index on conversion.told (batch_id);

-- What happened to which order: append-only, one row per order and answer.
create table conversion.delivery (
    delivery_id bigint generated always as identity primary key,
    batch_id bigint not null,
    batch_row int not null,
    destination text not null,
    action_id text not null,
    transaction_id text not null,
    person_id uuid not null,
    consent_id bigint not null,
    value_minor bigint not null,
    currency char(3) not null,
    restated boolean not null,   -- another value of an order the platform has
    outcome text not null check (outcome in ('accepted', 'confirmed', 'rejected', 'retriable', 'unknown')),
    error_code text,
    error_text text,
    at timestamptz not null
);
create index on conversion.delivery (person_id);
create index on conversion.delivery (batch_id);
create trigger append_only before update or delete on conversion.delivery
for each statement execute function ops.refuse_change();
