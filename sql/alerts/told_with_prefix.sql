-- Subjects of a kind that are failing: one row each.
select a.subject
from ops.alert_state as a
where
    a.state = 'failing'
    and starts_with(a.subject, %(prefix)s)
order by a.subject
