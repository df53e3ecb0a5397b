-- Tasks that used to end well again and again, and when they last did. Stale: later than they used to by a quarter, by an
-- hour at least. What they used to is the gap that nine of ten of the last fifty good ends in thirty days stayed below,
-- judged from five gaps over three days on, so that an afternoon of runs by hand is no rhythm. Nor is a step late in hours in
-- which it rests: on at least half of the last seven days it came between these times of day. Only time in which somebody
-- watched counts: whoever slept (the whole system was off) begins to wait when they wake. One row per task; seconds.
with

good as (
    select
        t.dag_id,
        t.task_id,
        t.ended_at,
        first_value(t.owner) over newest_first as owner,
        min(t.ended_at) over (partition by t.dag_id, t.task_id) as first_end,
        row_number() over newest_first as nth
    from ops.task_run as t
    where
        t.outcome in ('success', 'partial')
        and t.ended_at > %(at)s::timestamptz - interval '30 days'
        and (t.dag_id, t.task_id) is distinct from (%(watcher_dag)s::text, %(watcher_task)s::text)
    window newest_first as (
        partition by t.dag_id, t.task_id
        order by t.ended_at desc
    )
),

gaps as (
    select
        g.dag_id,
        g.task_id,
        g.owner,
        g.ended_at,
        g.first_end,
        extract(epoch from g.ended_at - lag(g.ended_at) over (
            partition by g.dag_id, g.task_id
            order by g.ended_at
        )) as seconds
    from good as g
    where g.nth <= 51
),

usual as (
    select
        g.dag_id,
        g.task_id,
        g.owner,
        max(g.ended_at) as last_end,
        min(g.first_end) as first_end,
        percentile_disc(0.9) within group (order by g.seconds) as seconds
    from gaps as g
    group by g.dag_id, g.task_id, g.owner
    having count(g.seconds) >= 5 and max(g.ended_at) - min(g.first_end) >= interval '3 days'
),

same_hours as (
    select
        u.dag_id,
        u.task_id,
        count(*) as days,
        count(*) filter (
            where exists (
                select from good as g
                where
                    g.dag_id = u.dag_id
                    and g.task_id = u.task_id
                    and g.ended_at > u.last_end - make_interval(days => d.n)
                    and g.ended_at <= %(at)s::timestamptz - make_interval(days => d.n)
            )
        ) as came
    from usual as u
    cross join generate_series(1, 7) as d (n)
    where u.first_end <= u.last_end - make_interval(days => d.n)
    group by u.dag_id, u.task_id
),

looks as (
    select
        t.started_at,
        t.started_at - lag(t.started_at) over (order by t.started_at) as pause
    from ops.task_run as t
    where
        t.dag_id = %(watcher_dag)s
        and t.task_id = %(watcher_task)s
        and t.started_at > %(at)s::timestamptz - interval '30 days'
),

awake as (
    select coalesce(max(l.started_at) filter (where l.pause is null or l.pause > interval '1 hour'), %(at)s) as since
    from looks as l
)

select
    u.dag_id,
    u.task_id,
    u.owner,
    u.last_end,
    round(u.seconds)::bigint as usual_seconds,
    extract(epoch from %(at)s::timestamptz - greatest(u.last_end, a.since))
    > u.seconds + greatest(3600, u.seconds / 4)
    and 2 * h.came >= h.days as stale
from usual as u
inner join same_hours as h on u.dag_id = h.dag_id and u.task_id = h.task_id
cross join awake as a
order by u.dag_id, u.task_id
