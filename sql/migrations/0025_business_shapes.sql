-- Four more shapes of staging, for what a source tells about the business beside its people: companies, deals, mailings,
-- report rows. Like the first three: the shape is the parent, a stream its partition, `bad_casts` names what could not be
-- read. Nobody is stitched by them, so they go past the queue of build_persons.

-- One row per company or account of a CRM.
create table staging.company (
    stream text not null,
    record_key text not null,
    raw_id bigint not null,
    batch_id bigint not null,
    payload_hash bytea not null,
    created_at timestamptz,
    changed_at timestamptz,
    name text,
    domain text,
    phone text,
    industry text,
    employees bigint,
    revenue_minor bigint,        -- a year's
    currency text,
    country text,                -- ISO 3166-1 alpha-2
    region text,
    city text,
    postcode text,
    ids jsonb not null default '{}',
    bad_casts text[] not null default '{}',
    published_at timestamptz not null default now(),
    primary key (stream, record_key)
) partition by list (stream);

-- One row per deal or opportunity of a CRM, as it stands.
create table staging.deal (
    stream text not null,
    record_key text not null,
    raw_id bigint not null,
    batch_id bigint not null,
    payload_hash bytea not null,
    created_at timestamptz,
    changed_at timestamptz,
    name text,
    pipeline text,
    stage text,
    state text not null check (state in ('open', 'won', 'lost')),
    amount_minor bigint,
    currency text,
    closes_on date,              -- expected, or done when it is closed
    company_stream text,         -- the stream that company_key is a record of
    company_key text,
    person_stream text,          -- the stream that person_keys are records of
    person_keys text[] not null default '{}',
    bad_casts text[] not null default '{}',
    published_at timestamptz not null default now(),
    primary key (stream, record_key)
) partition by list (stream);

-- One row per mailing of an e-mail platform, with what became of it so far.
create table staging.campaign (
    stream text not null,
    record_key text not null,
    raw_id bigint not null,
    batch_id bigint not null,
    payload_hash bytea not null,
    created_at timestamptz,
    changed_at timestamptz,
    name text,
    subject text,
    channel text,
    state text,                  -- in the platform's words
    sent_at timestamptz,
    recipients bigint,
    opened bigint,               -- people, not opens
    clicked bigint,
    bounced bigint,
    unsubscribed bigint,
    bad_casts text[] not null default '{}',
    published_at timestamptz not null default now(),
    primary key (stream, record_key)
) partition by list (stream);

-- One row per day and combination of dimensions of a report. No person in it.
create table staging.report_row (
    stream text not null,
    record_key text not null,
    raw_id bigint not null,
    batch_id bigint not null,
    payload_hash bytea not null,
    changed_at timestamptz,
    on_date date not null,
    dimensions jsonb not null default '{}',
    metrics jsonb not null default '{}',   -- numbers
    bad_casts text[] not null default '{}',
    published_at timestamptz not null default now(),
    primary key (stream, record_key)
) partition by list (stream);

create index on staging.company (batch_id);
create index on staging.deal (batch_id);
create index on staging.campaign (batch_id);
create index on staging.report_row (batch_id);
create index on staging.deal using gin (person_keys);

create table checking.company (like staging.company including defaults);
create table checking.deal (like staging.deal including defaults);
create table checking.campaign (like staging.campaign including defaults);
create table checking.report_row (like staging.report_row including defaults);

do $$
declare
    needed record;
begin
    for needed in
        select c.table_name, c.column_name
        from information_schema.columns as c
        where
            c.table_schema = 'checking'
            and c.table_name in ('company', 'deal', 'campaign', 'report_row')
            and c.is_nullable = 'NO'
    loop
        execute format('alter table checking.%I alter column %I drop not null', needed.table_name, needed.column_name);
    end loop;
end $$;

alter table checking.company
add column is_readable boolean generated always as (coalesce(cardinality(bad_casts), 0) = 0) stored;
alter table checking.deal
add column is_readable boolean generated always as (coalesce(cardinality(bad_casts), 0) = 0) stored;
alter table checking.campaign
add column is_readable boolean generated always as (coalesce(cardinality(bad_casts), 0) = 0) stored;
alter table checking.report_row
add column is_readable boolean generated always as (coalesce(cardinality(bad_casts), 0) = 0) stored;

-- The newest version of each record that landed in some batches, its payload read once.
create function staging.newest(of_stream text, of_batches bigint[])
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
    offset 0
$$;

-- Everything a path finds, as texts; the path as in staging.pick. Empty when nothing stands there.
create function staging.pick_all(payload jsonb, path text[]) returns text[]
language sql immutable parallel safe as $$
    select coalesce(array_agg(distinct found.value order by found.value), '{}')
    from (
        select btrim(one.value #>> '{}') as value
        from jsonb_path_query(
            case when starts_with(path[1], '$') then payload else payload #> path end,
            (case when starts_with(path[1], '$') then path[1] else 'lax $[*]' end)::jsonpath, '{}', true
        ) as one (value)
    ) as found
    where found.value <> ''
$$;

-- Parts of a payload by name, as they are: {"url": "…"}. `paths` as in staging.read_ids; what is not there is left out.
create function staging.read_properties(payload jsonb, paths jsonb) returns jsonb
language sql immutable parallel safe as $$
    select coalesce(jsonb_object_agg(found.name, found.value), '{}')
    from (
        select p.key as name, payload #> string_to_array(p.value, e'\x1f') as value
        from jsonb_each_text(paths) as p
    ) as found
    where jsonb_typeof(found.value) <> 'null'
$$;

-- A vendor's name of an event as ours are written: "Placed Order" is placed_order.
create function staging.snake_name(value text) returns text
language sql immutable parallel safe as $$
    select nullif(btrim(regexp_replace(lower(value), '[^a-z0-9]+', '_', 'g'), '_'), '')
$$;

-- A truth value as platforms write it; null when it is none.
create function staging.read_flag(value text) returns boolean
language sql immutable parallel safe as $$
    select case
        when lower(value) in ('true', 't', '1', 'yes') then true
        when lower(value) in ('false', 'f', '0', 'no') then false
    end
$$;
