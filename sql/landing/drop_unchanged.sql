-- Takes back the rows of a batch that say what the record's last landed version says already: windows overlap on
-- purpose, and a record that is merely read again is no change. Equal runs within the batch shrink to their first row.
delete from raw.record as r
where
    r.stream = %(stream)s
    and r.batch_id = %(batch_id)s
    and r.payload_hash = (
        select before.payload_hash
        from raw.record as before
        where
            before.stream = r.stream
            and before.record_key = r.record_key
            and before.raw_id < r.raw_id
        order by before.raw_id desc
        limit 1
    )
