-- People hear of one cause once: what a subject that fails has in common with others, who was told, what may have arrived.

-- Two failing subjects of one owner that share a cause are one matter: only the first is told. Each is a cause itself.
alter table ops.alert_state
add column causes text[] not null default '{}',         -- subjects that explain it, and names of what is broken
add column told_owner text;                             -- who got the last notice
update ops.alert_state set told_owner = owner where told_at is not null;

-- Steps have other subjects now: one a DAG that does not come any more, and none for a slow one but the task itself.
-- What still fails is told under its new name.
delete from ops.alert_state where subject like 'time of %' or subject like 'freshness of %';

-- One row per notice and channel to which a notice was handed, and of which nobody knows yet whether it arrived.
create table ops.alert_attempt (
    notice_id bigint not null references ops.alert_outbox on delete cascade,
    channel text not null,
    begun_at timestamptz not null default now(),
    primary key (notice_id, channel)
);

-- By which the last days are found, of tries and of checks: `watch` looks every ten minutes.
create index on ops.task_run (started_at);
