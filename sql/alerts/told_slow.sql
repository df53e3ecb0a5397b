-- Subjects that fail for nothing but being slow: one row each.
select a.subject
from ops.alert_state as a
where
    a.state = 'failing'
    and a.causes @> array['time of ' || a.subject]
order by a.subject
