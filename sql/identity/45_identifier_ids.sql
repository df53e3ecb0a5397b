-- The number of each carried identifier.
update identity.work_carried as w
set identifier_id = i.identifier_id
from identity.identifier as i
where
    i.type = w.type
    and i.value = w.value
