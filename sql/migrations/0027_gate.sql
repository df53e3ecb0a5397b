-- What a stream's records are made of, what changed about it, and what sources say together. Names, types and counts only.

-- One row per column of a stream, as published batches had it. `path` as people write it (`lineItems.nodes[].sku`), `steps`
-- as `#>` walks it (0: the first of a list, which stands for all). `part` tells kinds of files in one stream apart.
create table ops.known_column (
    stream text not null,
    part text not null default '',
    path text not null,
    parent text not null,          -- path of the object it is a key of; '' is the record itself
    steps text[] not null,
    types text[] not null,         -- JSON types it came with; empty while it was only null or empty; {map}: keys are data
    state text not null default 'known' check (state in ('known', 'discarded', 'gone')),
    rows bigint not null,          -- records it was in
    of_rows bigint not null,       -- records that had its parent, since it was first seen
    unseen_rows bigint not null default 0, -- of those, since it was last seen
    first_seen_at timestamptz not null,
    first_batch_id bigint not null,
    last_seen_at timestamptz not null,
    last_batch_id bigint not null,
    primary key (stream, part, path)
);

-- One row per column and type of a batch that is not yet published; its publication adds them to what is known.
-- Type `has`: the object `path` is there and not empty; `map`: it has so many keys that they are data.
create table ops.observed_column (
    batch_id bigint not null references ops.batch,
    part text not null,
    path text not null,
    parent text not null,
    steps text[] not null,
    type text not null,
    rows bigint not null,
    primary key (batch_id, part, path, type)
);

-- One row per change of a stream's columns: what it was, in how many records, since when, and what became of it.
create table ops.schema_drift (
    drift_id bigint generated always as identity primary key,
    stream text not null,
    part text not null default '',
    path text not null,
    kind text not null check (kind in ('new_column', 'lost_column', 'changed_type')),
    expected text not null default '', -- types known before
    found text not null default '',    -- type found; '' for a lost column
    mode text not null check (mode in ('evolve', 'freeze', 'discard')),
    state text not null check (state in ('open', 'discarded', 'evolved', 'accepted', 'over')),
    rows bigint not null,              -- records concerned, in the batches last looked at
    of_rows bigint not null,
    batch_id bigint not null references ops.batch, -- the first that had it
    first_seen_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    decided_by text,
    decided_at timestamptz,
    unique (stream, part, path, kind, found)
);

-- The newest moment that the stream's records told of when the batch was checked.
alter table ops.batch add column newest_at timestamptz;

-- One row per check over several sources and day it was asked for; the newest of a day counts. Shares and counts only.
create table ops.cross_result (
    cross_id bigint generated always as identity primary key,
    check_name text not null,
    as_of date not null,
    severity text not null check (severity in ('critical', 'warning', 'info')),
    owner text not null,
    passed boolean not null,
    judged boolean not null,       -- false: too little history to tell
    checked_rows bigint not null,
    failed_rows bigint,
    found double precision,        -- what the check compares, as a share
    usual double precision,        -- what it uses to be
    checked_at timestamptz not null default now(),
    accepted_by text,
    accepted_at timestamptz
);
create index on ops.cross_result (check_name, as_of, cross_id);

-- The kind of a JSON value. What says nothing (null, an empty text, list or object) is one kind: platforms write it as they like.
create function ops.json_kind(value jsonb) returns text
language sql immutable parallel safe as $$
    select case when value in ('""', '[]', '{}') then 'null' else jsonb_typeof(value) end
$$;
