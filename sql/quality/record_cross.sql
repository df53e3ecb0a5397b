-- One row: how a check over several sources fared on a day. A failure of a day on which one was accepted is accepted too.
insert into ops.cross_result (
    check_name, as_of, severity, owner, passed, judged, checked_rows, failed_rows, found, usual, accepted_by, accepted_at
)
with

accepted as (
    select
        as_of,
        accepted_by,
        accepted_at
    from ops.cross_result
    where
        check_name = %(check_name)s
        and as_of = %(as_of)s
        and accepted_by is not null
        and not %(passed)s
    order by cross_id desc
    limit 1
)

select
    %(check_name)s,
    %(as_of)s,
    %(severity)s,
    %(owner)s,
    %(passed)s,
    %(judged)s,
    %(checked_rows)s,
    %(failed_rows)s,
    %(found)s,
    %(usual)s,
    a.accepted_by,
    a.accepted_at
from (values (%(as_of)s::date)) as one (as_of)
left join accepted as a on one.as_of = a.as_of
