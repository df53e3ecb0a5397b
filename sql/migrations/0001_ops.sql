-- ops: what ran, what was checked, what waits for a person. Counts and keys only, no personal data.
create schema ops;

-- One row per task try that did work, for the report and for the history of durations.
create table ops.task_run (
    task_run_id bigint generated always as identity primary key,
    dag_id text not null,
    run_id text not null,
    task_id text not null,
    map_index int not null default -1,
    try_number int not null,
    started_at timestamptz not null,
    ended_at timestamptz,
    outcome text check (outcome in ('success', 'partial', 'skipped', 'failed')),
    peak_mb real,
    counts jsonb not null default '{}',
    unique (dag_id, run_id, task_id, map_index, try_number)
);

-- One row per landed batch of a stream.
create table ops.batch (
    batch_id bigint generated always as identity primary key,
    stream text not null,
    window_since timestamptz,
    window_until timestamptz,
    state text not null default 'landing'
    check (state in ('landing', 'landed', 'checked', 'failed', 'published')),
    landed_rows bigint not null default 0,
    quarantined_rows bigint not null default 0,
    published_rows bigint not null default 0,
    started_at timestamptz not null default now(),
    landed_at timestamptz,
    checked_at timestamptz,
    published_at timestamptz
);
create index on ops.batch (stream, state);

-- Where each stream's next window begins. Moves in the transaction that lands the rows.
create table ops.stream_cursor (
    stream text primary key,
    cursor jsonb not null,
    batch_id bigint not null references ops.batch,
    moved_at timestamptz not null default now()
);

-- One row per expectation and batch. `details` holds counts and rule settings, never a value from a row.
create table ops.check_result (
    check_id bigint generated always as identity primary key,
    batch_id bigint not null references ops.batch,
    suite text not null,
    rule text not null,
    column_name text,
    severity text not null check (severity in ('critical', 'warning', 'info')),
    passed boolean not null,
    checked_rows bigint,
    failed_rows bigint,
    details jsonb not null default '{}',
    checked_at timestamptz not null default now()
);
create index on ops.check_result (batch_id);

-- Rows set aside, with the reason; the row itself stays in raw under raw_id.
create table ops.quarantine (
    quarantine_id bigint generated always as identity primary key,
    batch_id bigint not null references ops.batch,
    stream text not null,
    raw_id bigint not null,
    record_key text not null,
    rule text not null,
    reason text not null,
    state text not null default 'held' check (state in ('held', 'released', 'published', 'superseded')),
    quarantined_at timestamptz not null default now(),
    released_at timestamptz,
    released_by text,
    published_at timestamptz,
    unique (raw_id, rule)
);
create index on ops.quarantine (stream, state);

-- The state of each subject that can alert (a suite, a segment, an audience): one notice per change.
create table ops.alert_state (
    subject text primary key,
    state text not null check (state in ('ok', 'failing')),
    since timestamptz not null,
    owner text not null,
    summary text not null
);
create table ops.alert_log (
    alert_id bigint generated always as identity primary key,
    subject text not null,
    kind text not null check (kind in ('opened', 'recovered')),
    channel text not null,
    summary text not null,
    sent_at timestamptz not null default now()
);

-- Who did what by hand. Append-only.
create table ops.audit (
    audit_id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor text not null,
    action text not null,
    subject text not null,
    details jsonb not null default '{}'
);
create function ops.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '%.% is append-only', tg_table_schema, tg_table_name;
end $$;
create trigger append_only before update or delete on ops.audit
for each statement execute function ops.refuse_change();
