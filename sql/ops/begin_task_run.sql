-- One row per try of a task; a try that is made again under the same number starts over.
insert into ops.task_run (dag_id, run_id, task_id, map_index, try_number, owner, started_at)
values (%(dag_id)s, %(run_id)s, %(task_id)s, %(map_index)s, %(try_number)s, %(owner)s, now())
on conflict (dag_id, run_id, task_id, map_index, try_number) do update
    set
        owner = excluded.owner,
        started_at = excluded.started_at,
        ended_at = null,
        outcome = null,
        peak_mb = null,
        counts = '{}'
