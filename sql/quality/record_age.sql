-- One row: that nothing new came, under the stream's newest batch; once a batch and outcome.
insert into ops.check_result (batch_id, suite, rule, column_name, severity, passed, checked_rows, failed_rows, details)
with

newest as (
    select max(batch_id) as batch_id
    from ops.batch
    where
        stream = %(stream)s
        and state <> 'landing'
)

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
from newest as b
cross join
    jsonb_to_recordset(%(results)s::jsonb)
        as r (
            rule text, column_name text, severity text, passed boolean, checked_rows bigint, failed_rows bigint, details jsonb
        )
where
    not exists (
        select from ops.check_result as c
        where
            c.batch_id = b.batch_id
            and c.rule = r.rule
            and c.passed = r.passed
    )
