-- Notices that are to go out: written in the transaction that changes the state of the subject, so that none is lost
-- when a channel is down; sent at the next call, once a channel.
create table ops.alert_outbox (
    notice_id bigint generated always as identity primary key,
    subject text not null,
    kind text not null check (kind in ('opened', 'recovered')),
    owner text not null,
    summary text not null,
    link text,
    channels text[] not null,    -- those there were when it was made: a new channel does not get old news
    opened_at timestamptz not null default now()
);

-- One row per notice and channel that got it.
alter table ops.alert_log add column notice_id bigint;
create unique index on ops.alert_log (notice_id, channel);
