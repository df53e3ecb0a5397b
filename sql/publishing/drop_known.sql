-- One row per candidate row that is no news: staging holds this version of its record, or a newer one.
delete from candidate as c
using published as p
where
    p.stream = %(stream)s -- noqa: RF02
    and p.record_key = c.record_key
    and (
        p.payload_hash = c.payload_hash
        or not checking.is_newer(c.changed_at, c.raw_id, p.changed_at, p.raw_id)
    )
