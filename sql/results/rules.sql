-- What each rule of a suite found in one check: one row a rule, what failed first, the gravest first. `found`: what it found in
-- words, names and counts only, where a count of rows does not say it.
select
    r.rule,
    r.column_name,
    r.severity,
    r.passed,
    r.checked_rows,
    r.failed_rows,
    r.details ->> 'type' as type,
    r.details ->> 'reason' as reason,
    coalesce(
        array(select one.value ->> 'text' from jsonb_array_elements(r.details -> 'changes') as one limit 10),
        '{}'
    )
    || array_remove(array[r.details ->> 'text'], null) as found
from ops.check_result as r
where
    r.suite = %(suite)s
    and r.batch_id = %(batch_id)s
    and r.checked_at = %(checked_at)s
order by r.passed, array_position(array['critical', 'warning', 'info'], r.severity), r.check_id
