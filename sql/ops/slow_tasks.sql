-- Tasks with the longest try that is at work now, and how long they usually take: the 95th percentile of their last fifty
-- good tries. Slow: three times that, and a quarter of an hour at least. A try that is older than a day has died and is
-- not looked at. One row per task that ran in the last thirty days; seconds.
with

history as (
    select
        task_run.dag_id,
        task_run.task_id,
        first_value(task_run.owner) over (
            partition by task_run.dag_id, task_run.task_id
            order by task_run.started_at desc
        ) as owner,
        extract(epoch from task_run.ended_at - task_run.started_at) as seconds,
        row_number() over (
            partition by task_run.dag_id, task_run.task_id
            order by task_run.started_at desc
        ) as nth
    from ops.task_run
    where
        task_run.outcome in ('success', 'partial')
        and task_run.started_at > %(at)s - interval '30 days'
),

usual as (
    select
        history.dag_id,
        history.task_id,
        history.owner,
        percentile_cont(0.95) within group (order by history.seconds) as seconds
    from history
    where history.nth <= 50
    group by history.dag_id, history.task_id, history.owner
),

at_work as (
    select
        task_run.dag_id,
        task_run.task_id,
        max(extract(epoch from %(at)s - task_run.started_at)) as seconds
    from ops.task_run
    where
        task_run.ended_at is null
        and task_run.started_at > %(at)s - interval '1 day'
        and not exists (
            select from ops.task_run as later
            where
                later.dag_id = task_run.dag_id
                and later.run_id = task_run.run_id
                and later.task_id = task_run.task_id
                and later.map_index = task_run.map_index
                and later.try_number > task_run.try_number
        )
    group by task_run.dag_id, task_run.task_id
)

select
    usual.dag_id,
    usual.task_id,
    usual.owner,
    round(usual.seconds)::bigint as usual_seconds,
    round(at_work.seconds)::bigint as seconds,
    coalesce(at_work.seconds > greatest(900, usual.seconds * 3), false) as slow
from usual
left join at_work on usual.dag_id = at_work.dag_id and usual.task_id = at_work.task_id
order by usual.dag_id, usual.task_id
