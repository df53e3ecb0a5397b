-- What the platform told of an account's points. Points that others have spent on calls that are still out are not in it,
-- so the lower of both figures stands; what a call was to cost and did not (`refund`) comes back.
insert into ops.point_bucket as kept (account, size, per_second, available, at)
values (%(account)s, %(size)s, %(per_second)s, %(available)s, clock_timestamp())
on conflict (account) do update
    set
        size = excluded.size,
        per_second = excluded.per_second,
        available = least(
            excluded.size,
            excluded.available,
            kept.available
            + excluded.per_second * greatest(0, extract(epoch from clock_timestamp() - kept.at))
            + %(refund)s::float8
        ),
        at = clock_timestamp()
