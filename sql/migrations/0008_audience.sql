-- audience: the delivery ledger. For each audience and person what the platform last acknowledged, and why.
create schema audience;

create table audience.audience (
    audience_id bigint generated always as identity primary key,
    destination text not null,   -- 'mailchimp', 'meta'
    audience_key text not null,  -- the name at the platform: a tag, an audience
    segment text not null,
    purpose text not null check (purpose in ('email', 'ads')),
    options jsonb not null default '{}',
    remote_id text,              -- the platform's id, once known
    treatment text,              -- which identifiers and fields the destination carries, and how (its versions)
    active boolean not null default true,  -- false: no file names it any more; everybody is removed
    created_at timestamptz not null default now(),
    unique (destination, audience_key)
);

-- One row per try to bring one audience in line.
create table audience.sync (
    sync_id bigint generated always as identity primary key,
    audience_id bigint not null references audience.audience,
    dag_run_id text,
    started_at timestamptz not null default now(),
    ended_at timestamptz,
    segment_version text,
    as_of date,
    plan_hash text,
    error_class text,            -- of what ended the sync early: class and code, never a text from outside
    error_code text,
    planned_add bigint not null default 0,
    planned_update bigint not null default 0,
    planned_remove bigint not null default 0,
    held_remove bigint not null default 0,
    hold_reason text,
    added bigint not null default 0,
    updated bigint not null default 0,
    removed bigint not null default 0,
    rejected bigint not null default 0,
    confirmed bigint not null default 0,
    outcome text check (outcome in ('success', 'partial', 'held', 'failed'))
);
create index on audience.sync (audience_id, started_at desc);

-- One row per request to a platform that changes an audience.
create table audience.batch (
    batch_id bigint generated always as identity primary key,
    sync_id bigint not null references audience.sync,
    audience_id bigint not null references audience.audience,
    operation text not null check (operation in ('add', 'update', 'remove')),
    state text not null default 'sent' check (state in ('sent', 'accepted', 'confirmed', 'failed', 'unknown')),
    sent int not null,
    accepted int not null default 0,
    rejected int not null default 0,
    unknown int not null,
    job_id text,                 -- of a platform that answers with a job
    request_id text,
    error_class text,
    error_code text,
    started_at timestamptz not null default now(),
    ended_at timestamptz,
    constraint every_row_is_accounted_for check (sent = accepted + rejected + unknown)
);
create index on audience.batch (sync_id);

-- One row per audience, person and set of identifiers the platform has (or had, or refused), or is being told about.
-- A changed address is two rows: the old one is removed, the new one added. `sent_identifiers` is keyed by the column of
-- profile.person each value was made from. No index but these two: each row is written twice a delivery, and those
-- writes stay within their page (fillfactor). No foreign key for the same reason: one writer, which has just read the audience.
create table audience.member (
    audience_id bigint not null,
    person_id uuid not null,
    identifier_hash uuid not null, -- md5 of the identifiers the person had, and of the version of their treatment
    acknowledged text not null default 'absent' check (acknowledged in ('absent', 'present')),
    sent_identifiers jsonb,      -- as SENT (hashed where the platform takes hashes): a removal uses these
    identifier_keys jsonb,       -- md5 of each identifier, by column: who else of the audience carries it
    payload_hash uuid,           -- of all that was sent: differs when a mapped field changes
    row_hash bytea,              -- profile.person's when it was sent and acknowledged; null: compare field by field
    membership_id bigint,        -- segment.membership row that justified the last add
    consent_id bigint,           -- consent.ledger row that justified the last add
    acknowledged_at timestamptz,
    confirmed_at timestamptz,
    -- the open attempt, if there is one. 'sent' and 'retriable' mean: nobody knows whether the platform applied it.
    operation text check (operation in ('add', 'update', 'remove')),
    attempt_state text check (attempt_state in ('planned', 'sent', 'accepted', 'rejected', 'retriable', 'debt')),
    batch_id bigint,             -- of the last attempt
    tries int not null default 0,
    error_class text,
    error_code text,
    error_text text,
    opened_at timestamptz,
    attempt_identifiers jsonb,   -- of the open attempt; becomes sent_identifiers on acknowledgement
    attempt_payload_hash uuid,
    primary key (person_id, audience_id, identifier_hash) -- the person first: it serves look-ups of one person too
) with (fillfactor = 60);
create index on audience.member (audience_id);

-- What happened to whom: append-only, one row per person and answer. No primary key: nobody looks a line up by its
-- number, and its index would be written once more per person.
create table audience.delivery (
    delivery_id bigint generated always as identity,
    audience_id bigint not null,
    person_id uuid not null,
    batch_id bigint,             -- null: settled without a call, the identifier belongs to somebody who stays
    batch_row int,               -- position within the batch, from 0
    operation text not null,
    outcome text not null check (outcome in ('accepted', 'confirmed', 'rejected', 'retriable', 'debt', 'unknown')),
    error_code text,
    error_text text,
    membership_id bigint,
    consent_id bigint,
    segment_version text,
    at timestamptz not null default now()
);
create index on audience.delivery (person_id);
create index on audience.delivery (batch_id);
create trigger append_only before update or delete on audience.delivery
for each statement execute function ops.refuse_change();

-- Removals that wait for a person. At most one open hold an audience.
create table audience.hold (
    hold_id bigint generated always as identity primary key,
    audience_id bigint not null references audience.audience,
    reason text not null,
    removals bigint not null,    -- what was shown: an approval covers at most this many
    audience_size bigint not null,
    state text not null default 'open' check (state in ('open', 'approved', 'rejected', 'closed')),
    opened_at timestamptz not null default now(),
    since timestamptz not null default now(), -- removals wait since then: kept when a larger hold replaces a smaller
    decided_at timestamptz,
    decided_by text
);
create unique index on audience.hold (audience_id) where state in ('open', 'approved');
