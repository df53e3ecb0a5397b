-- checking: where a batch stands between landing and staging. One unlogged table a stream, made anew by every
-- fill from the template of the stream's shape, so that a column added here reaches every stream.
create schema checking;

-- Whether a version replaces another one: by the vendor's time of change; where one has none, or both the same,
-- the one landed later.
create function checking.is_newer(changed_at timestamptz, raw_id bigint, than_changed_at timestamptz, than_raw_id bigint)
returns boolean language sql immutable parallel safe as $$
    select case
        when changed_at <> than_changed_at then changed_at > than_changed_at
        else raw_id > than_raw_id
    end
$$;

-- The templates: columns of the shape without its constraints (a broken row must arrive, so that a rule can name it),
-- and what rules need besides, made of them.
create table checking.person_record (like staging.person_record including defaults);
create table checking.order_entry (like staging.order_entry including defaults);
create table checking.event (like staging.event including defaults);

do $$
declare
    needed record;
begin
    for needed in
        select c.table_name, c.column_name
        from information_schema.columns as c
        where c.table_schema = 'checking' and c.is_nullable = 'NO'
    loop
        execute format('alter table checking.%I alter column %I drop not null', needed.table_name, needed.column_name);
    end loop;
end $$;

-- char(3) would refuse a wrong currency before a rule could see it.
alter table checking.order_entry alter column currency type text;
alter table checking.event alter column currency type text;

alter table checking.person_record
add column has_identifier boolean generated always as (
    email is not null or phone is not null or coalesce(ids, '{}') <> '{}'
) stored,
add column is_readable boolean generated always as (coalesce(cardinality(bad_casts), 0) = 0) stored;

-- is_product: the source's mapping knows codes that are not goods (postage, fees) and marks them in bad_casts.
alter table checking.order_entry
add column has_identifier boolean generated always as (
    email is not null or phone is not null or coalesce(ids, '{}') <> '{}'
) stored,
add column is_readable boolean generated always as (
    coalesce(cardinality(array_remove(bad_casts, 'sku:not_a_product')), 0) = 0
) stored,
add column is_product boolean generated always as (not coalesce('sku:not_a_product' = any(bad_casts), false)) stored,
add column sign_fits boolean generated always as (
    case kind when 'sale' then amount_minor >= 0 when 'return' then amount_minor <= 0 end
) stored;

alter table checking.event
add column has_identifier boolean generated always as (
    email is not null or phone is not null or coalesce(ids, '{}') <> '{}'
) stored,
add column is_readable boolean generated always as (coalesce(cardinality(bad_casts), 0) = 0) stored;

-- What each candidate table holds. An unlogged table is empty after a crash of the server: its row count tells.
create table checking.candidate (
    stream text primary key,
    batch_ids bigint[] not null,     -- not yet published
    released_ids bigint[] not null,  -- raw_id of released rows of batches published before
    row_count bigint not null,
    checked boolean not null default false,
    filled_at timestamptz not null default now()
);

-- Deletions of a batch: no rule is asked, they are carried out when the batch is published.
create table checking.deletion (
    stream text not null,
    record_key text not null,
    raw_id bigint not null,
    batch_id bigint not null,
    payload_hash bytea not null,
    changed_at timestamptz,
    primary key (stream, record_key)
);

-- Records the source deleted: an older version that arrives late must not bring them back, and the deletion that
-- is landed again (an overlap) is no news.
create table staging.deleted_record (
    stream text not null,
    record_key text not null,
    raw_id bigint not null,
    payload_hash bytea not null,
    changed_at timestamptz,
    deleted_at timestamptz not null default now(),
    primary key (stream, record_key)
);

-- The vendor's time of change of the version set aside: says whether a later version replaces it.
alter table ops.quarantine add column changed_at timestamptz;
