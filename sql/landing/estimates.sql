-- One row per stream, or of the one named: its newest estimate, and how far the load has come since. A load is done when the
-- stream's cursor says from when on changes are read.
with

newest as (
    select distinct on (stream)
        stream,
        estimated_at,
        records,
        calls,
        seconds
    from ops.load_estimate
    where %(stream)s::text is null or stream = %(stream)s
    order by stream, estimate_id desc
),

landed as (
    select
        n.stream,
        sum(b.landed_rows) as row_count
    from newest as n
    inner join ops.batch as b on n.stream = b.stream
    where b.started_at >= n.estimated_at
    group by n.stream
)

select
    n.stream,
    n.estimated_at,
    n.records,
    n.calls,
    round((n.seconds / 3600)::numeric, 2)::float8 as hours,
    coalesce(l.row_count, 0)::bigint as landed,
    coalesce(c.cursor ? 'since' and (c.cursor ->> 'since')::timestamptz >= n.estimated_at, false) as done
from newest as n
left join landed as l on n.stream = l.stream
left join ops.stream_cursor as c on n.stream = c.stream
order by n.stream
