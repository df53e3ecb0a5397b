-- One row: how a check over several sources fared on a day. One that was accepted that day stays accepted.
insert into ops.cross_result (
    check_name, as_of, severity, owner, passed, judged, checked_rows, failed_rows, found, usual, accepted_by, accepted_at
)
select
    %(check)s,
    %(as_of)s,
    %(severity)s,
    %(owner)s,
    %(passed)s,
    %(judged)s,
    %(checked_rows)s,
    %(failed_rows)s,
    %(found)s,
    %(usual)s,
    before.accepted_by,
    before.accepted_at
from (values (1)) as one (row_no)
left join lateral (
    select
        c.accepted_by,
        c.accepted_at
    from ops.cross_result as c
    where
        c.check_name = %(check)s
        and c.as_of = %(as_of)s
        and c.accepted_by is not null
    order by c.cross_id desc
    limit 1
) as before on not %(passed)s
