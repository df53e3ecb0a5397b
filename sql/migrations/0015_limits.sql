-- ops: what one account at a platform may be asked, shared by all workers (lost with a crash, and no harm: unlogged).
-- audience: what calls looked like, and what share of the people a platform knows.
-- One row per account and rate; the rate '' is the account itself, which only pauses.
-- `times` and `counts`: when calls were made (seconds since the epoch, by this server's clock) and how many at that time.
create unlogged table ops.rate_limit (
    account text not null,       -- platform and account, 'hubspot 12345678': never a secret
    rate text not null,          -- '190 in 10 s'
    times float8[] not null default '{}',
    counts int[] not null default '{}',
    paused_until timestamptz not null default '-infinity', -- the platform said "too many"
    told int not null default 0, -- how often in a row it said so without a time
    told_at timestamptz not null default '-infinity',
    primary key (account, rate)
) with (fillfactor = 20);        -- rewritten at each call: the new version stays on its page

-- One row per account and process: how many of the account's connections it holds, and until when.
create unlogged table ops.connection_lease (
    account text not null,
    holder text not null,
    held int not null,
    wanted int not null,
    expires_at timestamptz not null,
    primary key (account, holder)
) with (fillfactor = 20);

-- Takes up to `wanted` calls from every rate named, or none and the seconds until some are there.
-- `spans` are the rates' windows in seconds; a null in `most` is a rate without a number (it only pauses).
-- Up to 64 calls a window are kept one by one, more in 64 slots a window: each leaves with its slot's last call.
create function ops.take_calls(
    of_account text, names text[], most int[], spans float8[], wanted int,
    out granted int, out wait_seconds float8, out taken_at float8
) language plpgsql as $$
declare
    one record;
    used bigint;
    oldest float8;
begin
    perform from ops.rate_limit where account = of_account and rate = any(names) order by rate for update;
    get diagnostics granted = row_count;
    if granted < cardinality(names) then
        insert into ops.rate_limit (account, rate)
        select of_account, name from unnest(names) as name order by name on conflict do nothing;
        perform from ops.rate_limit where account = of_account and rate = any(names) order by rate for update;
    end if;
    taken_at := extract(epoch from clock_timestamp()); -- after the lock: the order of times is the order of takers
    granted := wanted;
    wait_seconds := 0;
    for one in
        select kept.*, asked.most, asked.span
        from unnest(names, most, spans) as asked (name, most, span)
        join ops.rate_limit as kept on kept.account = of_account and kept.rate = asked.name
    loop
        if extract(epoch from one.paused_until) > taken_at then
            granted := 0;
            wait_seconds := greatest(wait_seconds, extract(epoch from one.paused_until) - taken_at);
        end if;
        if one.most is not null then
            select coalesce(sum(entry.number), 0), min(entry.at) into used, oldest
            from unnest(one.times, one.counts) as entry (at, number)
            where entry.at > taken_at - one.span and entry.number > 0;
            granted := least(granted, one.most - used);
            if used >= one.most then
                wait_seconds := greatest(wait_seconds, oldest + one.span - taken_at);
            end if;
        end if;
    end loop;
    granted := greatest(granted, 0);
    if granted > 0 then
        perform ops.count_calls(of_account, names, most, spans, taken_at, granted, taken_at);
    end if;
end $$;

-- Counts `number` calls at a time (a negative number gives them back) and forgets what has left the window.
create function ops.count_calls(
    of_account text, names text[], most int[], spans float8[], at_time float8, number int, now_at float8
) returns void language plpgsql as $$
begin
    perform from ops.rate_limit where account = of_account and rate = any(names) order by rate for update;
    update ops.rate_limit as kept
    set times = coalesce(rewritten.times, '{}'), counts = coalesce(rewritten.counts, '{}')
    from (
        select
            asked.name,
            array_agg(slot.at order by slot.at) filter (where slot.number > 0) as times,
            array_agg(slot.number order by slot.at) filter (where slot.number > 0) as counts
        from unnest(names, most, spans) as asked (name, most, span)
        join ops.rate_limit as before on before.account = of_account and before.rate = asked.name
        cross join lateral (
            select max(entry.at) as at, sum(entry.calls)::int as number
            from (
                select * from unnest(before.times, before.counts)
                union all
                values (at_time, count_calls.number)
            ) as entry (at, calls)
            where entry.at > now_at - asked.span
            group by case when asked.most > 64 then floor(entry.at / asked.span * 64) else entry.at end
        ) as slot
        where asked.most is not null
        group by asked.name
    ) as rewritten
    where kept.account = of_account and kept.rate = rewritten.name;
end $$;

-- One row per account whose calls cost points that come back at a steady rate (Shopify), as the platform last told it.
create unlogged table ops.point_bucket (
    account text primary key,
    size float8 not null,
    per_second float8 not null,
    available float8 not null,
    at timestamptz not null
) with (fillfactor = 20);

-- Spends `cost` points if they are there (0), else tells the seconds until they are. What has never been told, or is
-- more than the bucket holds, is for the platform to judge.
create function ops.spend_points(of_account text, cost float8, out wait_seconds float8) language plpgsql as $$
declare
    bucket ops.point_bucket;
    now_at timestamptz;
begin
    wait_seconds := 0;
    select * into bucket from ops.point_bucket where account = of_account for update;
    if not found or cost > bucket.size then
        return;
    end if;
    now_at := clock_timestamp();
    bucket.available := least(
        bucket.size,
        bucket.available + bucket.per_second * greatest(0, extract(epoch from now_at - bucket.at))
    );
    if bucket.available < cost then
        wait_seconds := (cost - bucket.available) / bucket.per_second;
        return;
    end if;
    update ops.point_bucket
    set available = bucket.available - cost, at = now_at
    where account = of_account;
end $$;

-- Gives `holder` up to `wanted` of the account's connections. Everybody who wants some gets a fair share; what nobody
-- else wants may be had beyond it. Calls under way (`in_use`) are never taken away. 0 wanted gives all back.
create function ops.lease_connections(
    of_account text, of_holder text, most int, in_use int, wanted int, seconds float8,
    out held int, out others_wait boolean
) language plpgsql as $$
declare
    others_held int;
    others int;
    ceiling int;
begin
    perform pg_advisory_xact_lock(7210015, hashtext(of_account));
    delete from ops.connection_lease
    where account = of_account and (expires_at < clock_timestamp() or holder = of_holder);
    select coalesce(sum(lease.held), 0), count(*), coalesce(bool_or(lease.held < lease.wanted), false)
    into others_held, others, others_wait
    from ops.connection_lease as lease
    where lease.account = of_account;
    ceiling := case when others_wait then greatest(1, most / (others + 1)) else most end;
    held := greatest(in_use, least(wanted, ceiling, most - others_held), 0);
    if wanted > 0 or in_use > 0 then
        insert into ops.connection_lease (account, holder, held, wanted, expires_at)
        values (of_account, of_holder, held, greatest(wanted, in_use),
            clock_timestamp() + make_interval(secs => seconds));
    end if;
end $$;

-- One row per call to a platform that served a batch: what was asked and answered, with everything personal masked
-- (keys, counts and codes are left), first rows only. For looking at, pruned by age.
create table audience.exchange (
    exchange_id bigint generated always as identity primary key,
    batch_id bigint,             -- null: the call served the audience, not one batch
    audience_id bigint not null,
    at timestamptz not null,
    method text not null,
    path text not null,          -- ids of people masked
    status int,                  -- null: no answer came
    milliseconds int not null,
    request_bytes int not null,
    answer_bytes int not null,
    request text,                -- JSON, masked, cut at some thousand characters
    answer text,
    request_id text              -- the platform's own name of the call
);
create index on audience.exchange (batch_id);
create index on audience.exchange using brin (at);

-- One row per sync, audience and kind of identifier, where the platform tells how many of the people it knows.
create table audience.match_rate (
    match_rate_id bigint generated always as identity primary key,
    audience_id bigint not null references audience.audience,
    sync_id bigint references audience.sync,
    identifier text not null,    -- 'email', 'phone'; 'any' where the platform does not tell them apart
    sent bigint not null,        -- people
    matched_low bigint not null, -- as the platform tells it: a number or a range, in people
    matched_high bigint not null,
    measured_at timestamptz not null default now(),
    check (matched_low <= matched_high)
);
create index on audience.match_rate (audience_id, identifier, measured_at desc);
