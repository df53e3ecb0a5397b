-- The newest check of a suite gets its page: at most one row, none when it has one already (nothing was open, so
-- nothing was checked). Counts add up what ops.check_result says of each rule.
with

newest as (
    select
        r.batch_id,
        r.checked_at
    from ops.check_result as r
    where r.suite = %(suite)s
    order by r.checked_at desc
    limit 1
),

summed as (
    select
        r.batch_id,
        r.checked_at,
        coalesce(
            max(r.checked_rows) filter (where r.rule = 'quarantine_share'),
            max(r.checked_rows),
            0
        ) as records,
        max(r.failed_rows) filter (where r.rule = 'quarantine_share') as held,
        max((r.details ->> 'max_quarantine_share')::float8) as max_share,
        count(*) as rules,
        count(*) filter (where not r.passed and r.severity = 'critical') as critical,
        count(*) filter (where not r.passed and r.severity = 'warning') as warning,
        count(*) filter (where not r.passed and r.severity = 'info') as info
    from newest as n
    inner join ops.check_result as r
        on n.batch_id = r.batch_id and n.checked_at = r.checked_at and r.suite = %(suite)s
    group by r.batch_id, r.checked_at
)

insert into ops.result_page (
    suite, stream, owner, batch_id, checked_at, records, held, max_share, rules, critical, warning, info,
    dag_id, run_id, task_id, map_index, try_number, link, path
)
select
    %(suite)s,
    %(stream)s,
    %(owner)s,
    s.batch_id,
    s.checked_at,
    s.records,
    s.held,
    s.max_share,
    s.rules,
    s.critical,
    s.warning,
    s.info,
    %(dag_id)s,
    %(run_id)s,
    %(task_id)s,
    %(map_index)s,
    %(try_number)s,
    %(link)s,
    format(
        '%%s/%%s-%%s.html',
        %(suite)s::text,
        to_char(s.checked_at at time zone 'UTC', 'YYYYMMDD"T"HH24MISSMS'),
        s.batch_id
    ) as path
from summed as s
on conflict (suite, batch_id, checked_at) do nothing
returning path
