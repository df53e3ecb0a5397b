-- One row per shared value that people were told of and that has not been told as over.
select subject
from ops.alert_state
where
    starts_with(subject, %(prefix)s)
    and state = 'failing'
