-- One row per check over several sources: its newest result.
select distinct on (check_name)
    check_name,
    as_of,
    severity,
    owner,
    passed,
    judged,
    checked_rows,
    failed_rows,
    found,
    usual,
    accepted_by
from ops.cross_result
order by check_name, cross_id desc
