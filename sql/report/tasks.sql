-- One row per task that worked since `since`: its longest try, the most memory any try held, and its last outcome.
select
    dag_id,
    task_id,
    count(*) as tries,
    max(extract(epoch from ended_at - started_at))::double precision as seconds,
    max(peak_mb)::double precision as peak_mb,
    (array_agg(outcome order by started_at desc))[1] as outcome
from ops.task_run
where started_at >= %(since)s
group by dag_id, task_id
order by min(started_at)
