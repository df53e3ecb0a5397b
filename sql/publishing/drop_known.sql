-- One row per candidate row that is no news: staging holds this version of its record, or a newer one. The version that staging
-- holds is news where its batch is replayed, unless a newer one is held in quarantine: what that said of consent stays.
delete from candidate as c
using published as p
where
    p.stream = %(stream)s -- noqa: RF02
    and p.record_key = c.record_key
    and (
        p.payload_hash = c.payload_hash
        or not checking.is_newer(c.changed_at, c.raw_id, p.changed_at, p.raw_id)
    )
    and (
        p.raw_id <> c.raw_id
        or not exists (
            select from ops.batch as b
            where
                b.batch_id = c.batch_id
                and b.replaying
        )
        or exists (
            select from ops.quarantine as q
            where
                q.stream = %(stream)s -- noqa: RF02
                and q.record_key = c.record_key
                and q.raw_id > c.raw_id
                and q.state = 'held'
        )
    )
