-- The newest check of each source and destination, one row each.
select distinct on (role, platform)
    platform,
    role,
    state,
    account,
    scopes,
    limits,
    quota,
    expires_at,
    problems,
    checked_at
from ops.connection_check
order by role, platform, checked_at desc, check_id desc
