-- One row per critical check over several sources whose newest result failed and that nobody accepted.
with

newest as (
    select distinct on (check_name)
        check_name,
        severity,
        passed,
        accepted_by
    from ops.cross_result
    order by check_name, cross_id desc
)

select check_name
from newest
where
    severity = 'critical'
    and not passed
    and accepted_by is null
order by check_name
