-- Subjects that people were told are failing, the oldest first: one row each.
select
    a.subject,
    a.state,
    a.owner,
    a.opened_at,
    a.told_at,
    a.spells,
    a.summary,
    a.link,
    a.page
from ops.alert_state as a
where a.told = 'failing'
order by a.opened_at, a.subject
