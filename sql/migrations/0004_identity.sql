-- identity: identifiers, which record carries which, and the person of each record. One writer (build_persons).
create schema identity;

create table identity.identifier (
    identifier_id bigint generated always as identity primary key,
    type text not null,          -- 'email', 'phone', or a key of staging ids such as 'shopify_customer'
    value text not null,         -- normal form
    blocked_reason text,         -- set: joins nobody
    unique (type, value)
);

-- One row per record that can be a person: a person record, or the bundle of identifiers on orders and events.
create table identity.record (
    record_id bigint generated always as identity primary key,
    stream text not null,
    record_key text not null,    -- person_record.record_key, or the identity_key of orders and events
    first_seen_at timestamptz not null,
    person_id uuid,
    withdrawn_at timestamptz,    -- the source deleted it
    unique (stream, record_key)
);
create index on identity.record (person_id);

create table identity.edge (
    record_id bigint not null references identity.record,
    identifier_id bigint not null references identity.identifier,
    raw_value text not null,
    dropped_reason text,         -- set: the edge is kept but joins nobody
    first_seen_at timestamptz not null default now(),
    primary key (record_id, identifier_id)
);
create index on identity.edge (identifier_id);

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

-- Values that join nobody: exact, or a POSIX pattern.
create table identity.blocked_value (
    type text not null,
    kind text not null check (kind in ('exact', 'pattern', 'shared')),
    value text not null,
    reason text not null,
    blocked_at timestamptz not null default now(),
    primary key (type, kind, value)
);

-- Raw values that have no normal form, counted by reason.
create table identity.unusable_value (
    record_id bigint not null references identity.record,
    type text not null,
    reason text not null,
    primary key (record_id, type)
);
