-- One row: the new batch. `first`: no row of the stream was ever landed, so nothing can come again.
insert into ops.batch (stream, window_since, window_until)
values (%(stream)s, %(since)s, %(until)s)
returning
    batch_id,
    not exists (
        select from ops.batch as earlier
        where
            earlier.stream = %(stream)s
            and earlier.landed_rows > 0
    ) as first
