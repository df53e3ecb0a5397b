-- Limits, priorities, pins and accepted proposals: what a person decided, what the stitching refused, and what it needs to
-- do the same again from nothing. Pins and links name records by the keys of their sources, so they outlive every rebuild.

-- One row per decision of a person about two records: they are one person (merge) or two (split), whatever the rules say.
-- Append-only but for the three undone_ columns. The pair stands in byte order, and has one standing pin at most.
create table identity.pin (
    pin_id bigint generated always as identity primary key,
    kind text not null check (kind in ('merge', 'split')),
    stream_a text not null,
    record_key_a text not null,      -- as identity.record has it; the record need not exist (yet, or any more)
    stream_b text not null,
    record_key_b text not null,
    who text not null,
    why text not null,
    created_at timestamptz not null default now(),
    undone_at timestamptz,
    undone_by text,
    undone_why text,
    settled_at timestamptz,          -- null: build_persons has yet to act on it, or on its undoing
    constraint undone_by_somebody_for_a_reason check (num_nonnulls(undone_at, undone_by, undone_why) in (0, 3)),
    constraint a_pair_in_byte_order
    check ((stream_a collate "C", record_key_a collate "C") < (stream_b collate "C", record_key_b collate "C"))
);
create unique index one_standing_pin_a_pair on identity.pin (stream_a, record_key_a, stream_b, record_key_b)
where undone_at is null;
create index on identity.pin (stream_b, record_key_b) where undone_at is null;
create index on identity.pin (pin_id) where settled_at is null;

-- One row per accepted proposal: two records that share no key and are taken for one person. Weakest of all links: it
-- yields to limits, split pins and every identifier. Append-only but for the three withdrawn_ columns.
create table identity.link (
    link_id bigint generated always as identity primary key,
    origin text not null default 'proposal' check (origin in ('proposal')),
    stream_a text not null,
    record_key_a text not null,
    stream_b text not null,
    record_key_b text not null,
    weight double precision not null, -- match weight: log2 of the odds that the two are one; the heavier link is met first
    accepted_by text not null,        -- a person, or the threshold that accepted it
    accepted_at timestamptz not null default now(),
    withdrawn_at timestamptz,
    withdrawn_by text,
    withdrawn_why text,
    settled_at timestamptz,
    constraint withdrawn_by_somebody_for_a_reason
    check (num_nonnulls(withdrawn_at, withdrawn_by, withdrawn_why) in (0, 3)),
    constraint a_pair_in_byte_order
    check ((stream_a collate "C", record_key_a collate "C") < (stream_b collate "C", record_key_b collate "C"))
);
create unique index one_standing_link_a_pair on identity.link (stream_a, record_key_a, stream_b, record_key_b)
where withdrawn_at is null;
create index on identity.link (stream_b, record_key_b) where withdrawn_at is null;
create index on identity.link (link_id) where settled_at is null;

-- What was decided stays as it was decided. Undoing it makes build_persons look at it again.
create function identity.keep_decision() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        raise exception '%.% is never deleted from; undo it', tg_table_schema, tg_table_name;
    end if;
    if to_jsonb(new) - array['undone_at', 'undone_by', 'undone_why', 'withdrawn_at', 'withdrawn_by', 'withdrawn_why', 'settled_at']
        is distinct from
        to_jsonb(old) - array['undone_at', 'undone_by', 'undone_why', 'withdrawn_at', 'withdrawn_by', 'withdrawn_why', 'settled_at']
    then
        raise exception '%.% keeps what was decided; undo it and decide anew', tg_table_schema, tg_table_name;
    end if;
    if to_jsonb(new) - 'settled_at' is distinct from to_jsonb(old) - 'settled_at' then
        new.settled_at := null;
    end if;
    return new;
end $$;
create trigger keep_decision before update or delete on identity.pin
for each row execute function identity.keep_decision();
create trigger keep_decision before update or delete on identity.link
for each row execute function identity.keep_decision();

-- One row per type of identifier that sql/identity/rules.yaml names ('*': every other one), as the last run applied it.
create table identity.identifier_rule (
    type text primary key,
    priority int not null,           -- 1: met first; its links are the last to be dropped
    limits jsonb not null            -- [{"count": 5, "per": "ever"}, ...]; [] for none
);
-- One row: the carrier threshold of rules.yaml as the last run applied it.
create table identity.carrier_rule (
    single boolean primary key default true check (single),
    shared_above int not null
);

-- Dropped by the stitching itself, because a limit or a split pin forbids it. Unlike a blocked link it is met again
-- by every run that stitches its island, so it may hold again.
alter table identity.edge add column refused boolean not null default false;
alter table identity.edge add constraint a_refused_link_is_dropped check (not refused or dropped_reason is not null);

-- One row per link that today's stitching refused, with its reason: an identifier of a record, a merge pin, or an accepted
-- proposal. Written anew whenever its island is stitched and the answer differs.
create table identity.refused_link (
    refused_id bigint generated always as identity primary key,
    kind text not null check (kind in ('identifier', 'pin', 'link')),
    record_id bigint not null,
    identifier_id bigint,            -- of an identifier's link
    other_record_id bigint,          -- of a pin or an accepted proposal
    source_id bigint,                -- its pin_id or link_id
    reason text not null check (reason in ('limit', 'split pin')),
    limited_type text,               -- the type of which the joined person would have too many
    limit_count int,
    limit_per text check (limit_per in ('ever', 'year', 'month', 'week')),
    split_pin_id bigint,             -- the pin that keeps the two apart
    refused_at timestamptz not null,
    constraint an_identifier_or_a_record check (
        (kind = 'identifier' and identifier_id is not null and num_nonnulls(other_record_id, source_id) = 0)
        or (kind <> 'identifier' and identifier_id is null and num_nonnulls(other_record_id, source_id) = 2)
    ),
    constraint a_reason_in_full check (
        (reason = 'limit' and num_nonnulls(limited_type, limit_count, limit_per) = 3 and split_pin_id is null)
        or (reason = 'split pin' and num_nonnulls(limited_type, limit_count, limit_per) = 0 and split_pin_id is not null)
    )
);
create index on identity.refused_link (record_id);
create index on identity.refused_link (identifier_id);

-- One row per record of an island: records that would be one person if nothing were refused, and are not. A run that
-- touches one of them stitches them all; the records of other persons need no row.
create table identity.island (
    record_id bigint primary key,
    island_id bigint not null        -- its smallest record_id
);
create index on identity.island (island_id);

-- One row per size of person (records, in powers of two: 1, 2, 3-4, 5-8, ...) after the last run; counts only.
create table identity.cluster_size (
    up_to int primary key,
    persons bigint not null,
    records bigint not null,
    measured_at timestamptz not null
);

create unlogged table identity.work_link (  -- pins that merge and accepted proposals between live records in scope
    kind text not null,
    source_id bigint not null,
    record_id bigint not null,
    other_record_id bigint not null,
    place bigint not null            -- the order they are met in
);
create unlogged table identity.work_split (  -- pins that split, between live records in scope
    pin_id bigint not null,
    record_id bigint not null,
    other_record_id bigint not null
);
create unlogged table identity.work_limited (  -- records whose island has to be stitched link by link
    record_id bigint primary key,
    island_id bigint not null
);
create unlogged table identity.work_refused (
    kind text not null,
    record_id bigint not null,
    identifier_id bigint,
    other_record_id bigint,
    source_id bigint,
    reason text not null,
    limited_type text,
    limit_count int,
    limit_per text,
    split_pin_id bigint
);
