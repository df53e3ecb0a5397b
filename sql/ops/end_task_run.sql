-- How a try of a task ended: outcome, counts, and the most memory its process held.
update ops.task_run
set
    ended_at = now(),
    outcome = %(outcome)s,
    peak_mb = %(peak_mb)s,
    counts = %(counts)s
where
    dag_id = %(dag_id)s
    and run_id = %(run_id)s
    and task_id = %(task_id)s
    and map_index = %(map_index)s
    and try_number = %(try_number)s
