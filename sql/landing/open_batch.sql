-- One row: the new batch. `first`: nothing of the stream was ever landed, so nothing can come again.
insert into ops.batch (stream, window_since, window_until)
values (%(stream)s, %(since)s, %(until)s)
returning
    batch_id,
    not exists (
        select from ops.stream_cursor
        where stream = %(stream)s
    ) as first
