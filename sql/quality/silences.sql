-- One row per stream with seven days of history: for how long it has landed nothing new, and how long its own past allows: half
-- as much again as the longest gap that ended on each day of the last 60, but for the worst in ten; an hour at
-- least.
with

brought as (
    select
        stream,
        landed_at,
        landed_at - lag(landed_at) over (partition by stream order by landed_at) as gap
    from ops.batch
    where
        state <> 'landing'
        and landed_rows > 0
        and landed_at <= %(at)s::timestamptz
),

ended as (
    select
        stream,
        max(gap) as gap
    from brought
    where landed_at > %(at)s::timestamptz - interval '60 days'
    group by stream, (landed_at at time zone 'UTC')::date
),

usual as (
    select
        stream,
        percentile_cont(0.9) within group (order by gap) as gap
    from ended
    group by stream
    having count(gap) >= 7
),

latest as (
    select
        stream,
        max(landed_at) as landed_at
    from brought
    group by stream
)

select
    l.stream,
    %(at)s::timestamptz - l.landed_at as silent_for,
    greatest(u.gap * 1.5, interval '1 hour') as allowed
from latest as l
inner join usual as u on l.stream = u.stream
order by l.stream
