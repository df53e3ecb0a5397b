-- One row per stream: where its next window begins, and the batch that moved it.
insert into ops.stream_cursor (stream, cursor, batch_id)
values (%(stream)s, %(cursor)s, %(batch_id)s)
on conflict (stream) do update
    set
        cursor = excluded.cursor,
        batch_id = excluded.batch_id,
        moved_at = now()
