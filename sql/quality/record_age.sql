-- One row: that nothing new came, under the stream's newest batch; once a batch and outcome.
insert into ops.check_result (batch_id, suite, rule, column_name, severity, passed, checked_rows, failed_rows, details)
select
    b.batch_id,
    %(suite)s,
    r.rule,
    r.column_name,
    r.severity,
    r.passed,
    r.checked_rows,
    r.failed_rows,
    r.details
from
    jsonb_to_recordset(%(results)s::jsonb)
        as r (
            rule text, column_name text, severity text, passed boolean, checked_rows bigint, failed_rows bigint, details jsonb
        )
inner join ops.batch as b
    on b.batch_id = (select max(n.batch_id) from ops.batch as n where n.stream = %(stream)s and n.state <> 'landing')
where
    not exists (
        select from ops.check_result as c
        where
            c.batch_id = b.batch_id
            and c.rule = r.rule
            and c.passed = r.passed
    )
