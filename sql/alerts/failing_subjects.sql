-- One row per given subject that people were told fails.
select subject
from ops.alert_state
where
    state = 'failing'
    and subject = any(%(subjects)s)
