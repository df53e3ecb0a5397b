-- At most one row: a stream with a batch that is not published holds persons back no longer, for so many hours.
insert into ops.set_aside (stream, until_at, set_by, reason)
select
    b.stream,
    %(at)s::timestamptz + make_interval(hours => %(hours)s) as until_at,
    %(who)s, -- noqa: AL03
    %(why)s -- noqa: AL03
from ops.batch as b
where
    b.stream = %(stream)s
    and b.state in ('landed', 'checked', 'failed')
    and b.landed_rows > 0
limit 1
on conflict (stream) do update
    set
        until_at = excluded.until_at,
        set_by = excluded.set_by,
        reason = excluded.reason,
        set_at = now()
returning until_at
