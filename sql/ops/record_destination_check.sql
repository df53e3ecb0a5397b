-- Writes one check of a destination's credentials down.
insert into ops.destination_check (
    destination, state, account, scopes, limits, expires_at, problems, checked_at
)
values (
    %(destination)s,
    %(state)s,
    %(account)s,
    %(scopes)s,
    %(limits)s::jsonb,
    %(expires_at)s,
    %(problems)s,
    %(checked_at)s
)
