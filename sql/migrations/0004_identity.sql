-- identity: identifiers, which record carries which, and the person of each record. One writer (build_persons).
create schema identity;

create table identity.identifier (
    identifier_id bigint generated always as identity primary key,
    type text not null,          -- 'email', 'phone', or a key of staging ids such as 'shopify_customer'
    value text not null,         -- normal form
    listed_reason text,          -- named by a list or a pattern of sql/identity/rules.yaml
    blocked_reason text,         -- set: joins nobody. The listed reason, or that too many records share the value
    unique (type, value)
);

-- What a raw value of the outside means: its normal form, or why it has none. A pure function of its key.
create table identity.normal_form (
    type text not null check (type in ('email', 'phone')),
    raw_value text not null,
    country text not null,       -- that a national phone number is read in; '' when unknown, and for e-mail
    value text,
    reason text,
    primary key (type, raw_value, country),
    constraint a_form_or_a_reason check (num_nonnulls(value, reason) = 1)
);

-- One row per record that can be a person: a person record, or the bundle of identifiers on orders and events.
create table identity.record (
    record_id bigint generated always as identity primary key,
    shape text not null check (shape in ('person', 'bundle')),
    stream text not null,
    record_key text not null,    -- person_record.record_key, or the identity_key of orders and events
    first_seen_at timestamptz not null, -- when the vendor made it: the order of loading does not matter
    name_key text,               -- lower-case full name: tells whether a value is shared by different people
    person_id uuid,              -- null: withdrawn
    withdrawn_at timestamptz,    -- the source deleted it
    -- The id of the person whose oldest record this is: a UUID (version 8) made of source and key alone.
    own_person_id uuid not null generated always as (
        overlay(overlay(md5(stream || e'\x1f' || record_key) placing '8' from 13) placing '8' from 17)::uuid
    ) stored,
    unique (stream, record_key)
);
create index on identity.record (person_id);

-- Which vendor records (orders, events) carry which bundle: knows what to undo when one of them changes.
create table identity.bundle_row (
    record_id bigint not null,
    stream text not null,
    source_key text not null,    -- staging.order_entry.record_key, staging.event.record_key
    order_key text,              -- null for events
    first_seen_at timestamptz not null
);
create index on identity.bundle_row (record_id);
create index on identity.bundle_row (stream, source_key);
create index on identity.bundle_row (stream, order_key) where order_key is not null;

-- No foreign keys: one writer, and two look-ups a row are a third of a first load's time; tests hold the invariants.
create table identity.edge (
    record_id bigint not null,
    identifier_id bigint not null,
    raw_value text not null,
    dropped_reason text,         -- set: kept, but joins nobody (blocked value, withdrawn record)
    first_seen_at timestamptz not null default now(),
    primary key (record_id, identifier_id)
);
create index on identity.edge (identifier_id);
create index on identity.edge (record_id) where dropped_reason is not null;
create index on identity.identifier (identifier_id) where blocked_reason is not null;

-- Today's persons. The id derives from the oldest record and outlives every rebuild.
create table identity.person (
    person_id uuid primary key,
    oldest_record_id bigint not null references identity.record,
    record_count int not null,
    changed_at timestamptz not null default now()
);

-- Former ids; flat: one look-up leads to today's id.
create table identity.redirect (
    old_person_id uuid primary key,
    record_id bigint not null,   -- the record that the former id was made of
    person_id uuid not null,
    redirected_at timestamptz not null default now()
);
create index on identity.redirect (person_id);

-- Which person a record belonged to, when.
create table identity.record_history (
    record_id bigint not null,
    person_id uuid not null,
    valid_from timestamptz not null,
    valid_to timestamptz,
    primary key (record_id, valid_from)
);

create table identity.person_change (
    change_id bigint generated always as identity primary key,
    kind text not null check (kind in ('merge', 'split')),
    from_person_id uuid not null,
    to_person_id uuid not null,
    changed_at timestamptz not null default now()
);
create index on identity.person_change (from_person_id);
create index on identity.person_change (to_person_id);

-- Values that join nobody: exact, a POSIX pattern (both from sql/identity/rules.yaml), or found to be shared.
create table identity.blocked_value (
    type text not null,          -- '*': of every type
    kind text not null check (kind in ('exact', 'pattern', 'shared')),
    value text not null,
    reason text not null,
    blocked_at timestamptz not null default now(),
    primary key (type, kind, value)
);

-- Raw values that have no normal form, counted by reason.
create table identity.unusable_value (
    record_id bigint not null,
    type text not null,
    reason text not null,
    primary key (record_id, type)
);

-- Work tables of one run of build_persons: emptied at its start, kept after it for whoever wants to look.
create unlogged table identity.work_key (  -- vendor records to look at
    stream text not null,
    record_key text not null,
    primary key (stream, record_key)
);
create unlogged table identity.work_source (  -- their records for stitching, as staging has them now
    shape text not null,
    stream text not null,
    record_key text not null,
    first_seen_at timestamptz not null,
    name_key text,
    email text,
    phone text,
    phone_country text,
    ids jsonb not null,
    primary key (stream, record_key)
);
create unlogged table identity.work_bundle (
    stream text not null,
    source_key text not null,
    bundle_key text not null,
    order_key text,
    first_seen_at timestamptz not null
);
create unlogged table identity.work_touched (record_id bigint primary key);
create unlogged table identity.work_order (stream text not null, order_key text not null, primary key (stream, order_key));
create unlogged table identity.work_event (stream text not null, record_key text not null, primary key (stream, record_key));
create unlogged table identity.work_value (
    record_id bigint not null,
    type text not null,
    raw_value text not null,
    country text not null
);
create unlogged table identity.work_new_value (
    value_id bigint generated always as identity primary key,
    type text not null,
    raw_value text not null,
    country text not null
);
create unlogged table identity.work_carried (
    record_id bigint not null,
    type text not null,
    value text not null,
    raw_value text not null,
    identifier_id bigint
);
create unlogged table identity.work_identifier (identifier_id bigint primary key);
create unlogged table identity.work_scope (record_id bigint primary key, former_person_id uuid);
create unlogged table identity.work_pair (round int not null, a bigint not null, b bigint not null);
create unlogged table identity.work_parent (
    round int not null,
    node bigint not null,
    parent bigint not null,
    primary key (round, node)
);
create unlogged table identity.work_component (record_id bigint primary key, root bigint not null);
create unlogged table identity.work_assignment (
    record_id bigint primary key,
    person_id uuid not null,
    oldest_record_id bigint not null
);
create unlogged table identity.work_former (
    person_id uuid primary key,
    successor uuid               -- itself when it lives on; null when nobody is left
);
