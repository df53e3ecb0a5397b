-- One row: when somebody last watched to the end, null for never; how many notices wait to go out, and since when the oldest.
with

watched as (
    select max(t.ended_at) as ended_at
    from ops.task_run as t
    where
        t.dag_id = %(watcher_dag)s
        and t.task_id = %(watcher_task)s
        and t.outcome = 'success'
        and t.started_at > %(at)s::timestamptz - interval '30 days'
),

waiting as (
    select
        count(*) as notices,
        min(o.opened_at) as since
    from ops.alert_outbox as o
    cross join lateral unnest(o.channels) as c (channel)
    left join ops.alert_log as l on o.notice_id = l.notice_id and c.channel = l.channel
    where l.notice_id is null
)

select
    watched.ended_at as watched_at,
    waiting.notices,
    waiting.since
from watched
cross join waiting
