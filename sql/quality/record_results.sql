-- One row per rule of a suite and check. `details` holds counts and settings of the rule.
insert into ops.check_result (batch_id, suite, rule, column_name, severity, passed, checked_rows, failed_rows, details)
select
    %(batch_id)s,
    %(suite)s,
    r.rule,
    r.column_name,
    r.severity,
    r.passed,
    r.checked_rows,
    r.failed_rows,
    r.details
from jsonb_to_recordset(%(results)s::jsonb) as r (
    rule text, column_name text, severity text, passed boolean, checked_rows bigint, failed_rows bigint, details jsonb
)
