-- The newest check of each destination, one row each.
select distinct on (destination)
    destination,
    state,
    account,
    scopes,
    limits,
    expires_at,
    problems,
    checked_at
from ops.destination_check
order by destination, checked_at desc, check_id desc
