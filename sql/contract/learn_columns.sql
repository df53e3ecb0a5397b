-- One row per column of the batches that are published now: what is known of it grows. A kind of value that was discarded is
-- not learned; a new column that was discarded is known as such, so that it is told once. A column that was gone begins anew.
insert into ops.known_column as k (
    stream, part, path, parent, steps, types, state, rows, of_rows, unseen_rows, first_seen_at, first_batch_id,
    last_seen_at, last_batch_id
)
with

observed as (
    select *
    from ops.observed_column
    where batch_id = any(%(batch_ids)s)
),

column_seen as (
    select
        o.part,
        o.path,
        o.parent,
        o.steps,
        coalesce(
            array_agg(distinct o.type) filter (
                where
                o.type <> 'null'
                and not exists (
                    select from ops.schema_drift as d
                    where
                        d.stream = %(stream)s
                        and d.part = o.part
                        and d.path = o.path
                        and d.kind = 'changed_type'
                        and d.found = o.type
                        and d.state = 'discarded'
                )
            ), '{}'
        ) as types,
        sum(o.rows)::bigint as rows,
        min(o.batch_id) as first_batch_id,
        max(o.batch_id) as last_batch_id
    from observed as o
    where o.type not in ('has', 'seen')
    group by o.part, o.path, o.parent, o.steps
)

select
    %(stream)s,
    s.part,
    s.path,
    s.parent,
    s.steps,
    s.types,
    case
        when exists (
            select from ops.schema_drift as d
            where
                d.stream = %(stream)s
                and d.part = s.part
                and d.path = s.path
                and d.kind = 'new_column'
                and d.state = 'discarded'
        ) then 'discarded' else 'known'
    end,
    s.rows,
    coalesce(parent.rows, s.rows),
    coalesce(parent.unseen_rows, 0),
    coalesce(first_batch.landed_at, first_batch.started_at),
    s.first_batch_id,
    coalesce(last_batch.landed_at, last_batch.started_at),
    s.last_batch_id
from column_seen as s
inner join ops.batch as first_batch on s.first_batch_id = first_batch.batch_id
inner join ops.batch as last_batch on s.last_batch_id = last_batch.batch_id
cross join
    lateral (
        select
            sum(o.rows)::bigint as rows,
            sum(o.rows) filter (where o.batch_id > s.last_batch_id)::bigint as unseen_rows
        from observed as o
        where
            o.type = 'has'
            and o.part = s.part
            and o.path = s.parent
    ) as parent
on conflict (stream, part, path) do update
    set
        types = array(
            select distinct one.type
            from unnest(k.types || excluded.types) as one (type) -- noqa: RF01
            order by one.type
        ),
        state = case when k.state = 'gone' then excluded.state else k.state end,
        rows = case when k.state = 'gone' then 0 else k.rows end + excluded.rows,
        of_rows = case when k.state = 'gone' then 0 else k.of_rows end + excluded.of_rows,
        unseen_rows = excluded.unseen_rows,
        last_seen_at = excluded.last_seen_at,
        last_batch_id = excluded.last_batch_id
