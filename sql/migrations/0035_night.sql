-- Whether everything that persons wait for has come, and what a person lets them be built without.

-- One row a stream that has ever been published by its own DAG. An event of an asset is a wake-up and not a queue: what has come
-- since persons were last begun stands here.
create table ops.arrival (
    stream text primary key,
    came_at timestamptz not null,   -- its newest publication, also one of nothing
    taken_at timestamptz            -- when persons were last begun; null: never since it first came
);

-- One row a stream whose failed check holds nobody back until then, by a person's word. Its own rows stay where they are.
create table ops.set_aside (
    stream text primary key,
    until_at timestamptz not null,
    set_by text not null,
    reason text not null,
    set_at timestamptz not null default now()
);
