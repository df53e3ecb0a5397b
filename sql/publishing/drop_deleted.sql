-- One row per candidate row that is no news: the source deleted this version of its record, or a newer one, once before.
delete from candidate as c
using staging.deleted_record as d
where
    d.stream = %(stream)s
    and d.record_key = c.record_key
    and (
        d.payload_hash = c.payload_hash
        or not checking.is_newer(c.changed_at, c.raw_id, d.changed_at, d.raw_id)
    )
