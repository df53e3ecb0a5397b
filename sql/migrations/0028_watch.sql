-- What people see at night: what they were told of each subject, result pages, checks of sources beside destinations.

-- What people believe of a subject (`told`) may lag behind its state: a recovery is told once it has lasted.
alter table ops.alert_state
add column told text not null default 'ok' check (told in ('ok', 'failing')),
add column told_at timestamptz,                         -- when the last notice was made
add column opened_at timestamptz,                       -- when the spell people know of began
add column spells int not null default 0,               -- times it began to fail since then
add column link text,                                   -- Airflow's page of the try
add column page text;                                   -- its page of results
update ops.alert_state set told = state, told_at = since, opened_at = since, spells = 1 where state = 'failing';

alter table ops.alert_outbox
drop constraint alert_outbox_kind_check,
add constraint alert_outbox_kind_check check (kind in ('opened', 'reminded', 'recovered')),
add column page text;
alter table ops.alert_log
drop constraint alert_log_kind_check,
add constraint alert_log_kind_check check (kind in ('opened', 'reminded', 'recovered'));

-- One row per suite and check whose results have a page: which try of a task made them, what they add up to, and where
-- the page lies below the folder of pages. The results themselves are ops.check_result of the same batch, suite and time.
create table ops.result_page (
    page_id bigint generated always as identity primary key,
    suite text not null,
    stream text not null,
    owner text not null,
    batch_id bigint not null references ops.batch,
    checked_at timestamptz not null,
    records bigint not null,                            -- rows checked; landed records where the share was looked at
    held bigint,                                        -- records a warning held; null: the batch stopped before
    max_share double precision,                         -- of them that may be held
    rules int not null,
    critical int not null,                              -- rules of the severity that failed
    warning int not null,
    info int not null,
    dag_id text not null,
    run_id text not null,
    task_id text not null,
    map_index int not null default -1,
    try_number int not null,
    link text,                                          -- Airflow's page of the try
    path text not null,
    unique (suite, batch_id, checked_at)
);
create index on ops.result_page (dag_id, run_id, task_id);
create index on ops.result_page (suite, checked_at desc);
create index on ops.check_result (suite, checked_at);

-- Who is told of a step that is slow or does not come.
alter table ops.task_run add column owner text;

-- Sources are asked as well as destinations, and what is left of their limits.
alter table ops.destination_check rename to connection_check;
alter table ops.connection_check rename column destination to platform;
alter table ops.connection_check
add column role text not null default 'destination' check (role in ('source', 'destination')),
add column quota jsonb not null default '{}';           -- by name of a limit: {"limit": n, "remaining": n}
create index on ops.connection_check (role, platform, checked_at desc);
