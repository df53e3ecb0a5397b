-- One row per quarantine row, held or released, whose record came again in a newer version. A released version waits while
-- the newer one is held itself: what a person let through is not lost to a row that may never be.
with

newest as (
    select
        record_key,
        raw_id,
        changed_at
    from candidate
    union all
    select
        record_key,
        raw_id,
        changed_at
    from checking.deletion
    where stream = %(stream)s
)

update ops.quarantine as q
set state = 'superseded'
from newest as n
where
    q.stream = %(stream)s
    and q.state in ('held', 'released')
    and n.record_key = q.record_key
    and checking.is_newer(n.changed_at, n.raw_id, q.changed_at, q.raw_id)
    and (
        q.state = 'held'
        or not exists (
            select from ops.quarantine as newer
            where
                newer.stream = %(stream)s
                and newer.raw_id = n.raw_id -- noqa: RF01
                and newer.state = 'held'
        )
    )
