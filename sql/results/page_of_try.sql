-- The page of the newest results that a task of a run made: at most one row.
select p.path
from ops.result_page as p
where
    p.dag_id = %(dag_id)s
    and p.run_id = %(run_id)s
    and p.task_id = %(task_id)s
    and p.map_index = %(map_index)s
order by p.checked_at desc
limit 1
