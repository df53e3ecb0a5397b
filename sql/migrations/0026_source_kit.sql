-- What every source shares: deletions found by listing all keys, loads estimated before they start, staging made again
-- from raw.

-- One row per listing of all keys of a stream, held against what staging has of it. Append-only but for the permission.
create table ops.sweep (
    sweep_id bigint generated always as identity primary key,
    stream text not null,
    began_at timestamptz not null,  -- the end of the landing's window: what was there then is listed
    ended_at timestamptz not null default now(),
    listed_keys bigint not null,
    held_records bigint not null,   -- of staging, that the listing would have to name
    gone_records bigint not null,   -- of those, that it did not name
    state text not null check (state in ('done', 'refused')),
    batch_id bigint references ops.batch,  -- the tombstones; null: there are none
    allowed_by text,                -- of a refused one: who lets the next one delete up to gone_records
    allowed_at timestamptz
);
create index on ops.sweep (stream, sweep_id desc);

-- One row per estimate of a load that begins at nothing, or that somebody asked for.
create table ops.load_estimate (
    estimate_id bigint generated always as identity primary key,
    stream text not null,
    estimated_at timestamptz not null default now(),
    window_since timestamptz,
    window_until timestamptz not null,
    records bigint,                 -- as the platform tells it; null: it does not
    calls bigint,
    seconds double precision
);
create index on ops.load_estimate (stream, estimate_id desc);

-- A published batch that is open once more: its rows are brought to staging anew, as today's mapping reads them.
alter table ops.batch add column replaying boolean not null default false;

-- A record that a listing of all keys no longer names lands as {"_deleted": true}: whatever its shape, it gives no row.
create or replace function staging.newest(of_stream text, of_batches bigint[])
returns table (stream text, record_key text, raw_id bigint, batch_id bigint, payload_hash bytea, payload jsonb)
language sql stable parallel safe as $$
    select n.stream, n.record_key, n.raw_id, n.batch_id, n.payload_hash, n.payload::jsonb
    from (
        select distinct on (r.record_key) r.stream, r.record_key, r.raw_id, r.batch_id, r.payload_hash, r.payload
        from raw.record as r
        where
            r.stream = of_stream
            and r.batch_id = any(of_batches)
        order by r.record_key, r.raw_id desc
    ) as n
    where n.payload_hash <> '\xcfe2a9f91d25021f8419b905f87178eca8c28aff7ac94e162c200e9b1d3d44bc'::bytea
    offset 0
$$;
