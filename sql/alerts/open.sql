-- Subjects that people were told are failing, the oldest first: one row each, with those that fail too, have a cause in
-- common, and are not told for that.
select
    a.subject,
    a.state,
    a.owner,
    a.opened_at,
    a.told_at,
    a.spells,
    a.summary,
    a.link,
    a.page,
    array(
        select f.subject
        from ops.alert_state as f
        where
            f.state = 'failing'
            and f.told = 'ok'
            and f.owner = a.owner
            and array_append(f.causes, f.subject) && array_append(a.causes, a.subject)
        order by f.subject
    ) as beside
from ops.alert_state as a
where a.told = 'failing'
order by a.opened_at, a.subject
