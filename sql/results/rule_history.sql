-- How each rule of a suite did in its newest checks: one row a rule, those that failed most often first.
with

newest as (
    select
        p.batch_id,
        p.checked_at
    from ops.result_page as p
    where p.suite = %(suite)s
    order by p.checked_at desc
    limit %(most)s
)

select
    r.rule,
    max(r.column_name) as column_name,
    (array_agg(r.severity order by r.checked_at desc))[1] as severity,
    (array_agg(r.details ->> 'reason' order by r.checked_at desc))[1] as reason,
    count(*) as runs,
    count(*) filter (where not r.passed) as failed_runs,
    coalesce(sum(r.failed_rows) filter (where not r.passed), 0)::bigint as failed_rows,
    max(r.checked_at) filter (where not r.passed) as last_failed_at
from newest as n
inner join ops.check_result as r
    on n.batch_id = r.batch_id and n.checked_at = r.checked_at and r.suite = %(suite)s
group by r.rule
order by failed_runs desc, array_position(array['critical', 'warning', 'info'], min(r.severity)), r.rule
