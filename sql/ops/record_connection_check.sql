-- Writes one check of a platform's credentials down.
insert into ops.connection_check (
    platform, role, state, account, scopes, limits, quota, expires_at, problems, checked_at
)
values (
    %(platform)s,
    %(role)s,
    %(state)s,
    %(account)s,
    %(scopes)s,
    %(limits)s::jsonb,
    %(quota)s::jsonb,
    %(expires_at)s,
    %(problems)s,
    %(checked_at)s
)
