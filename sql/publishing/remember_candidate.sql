-- One row per stream: what its candidate table holds now.
insert into checking.candidate (stream, batch_ids, released_ids, row_count)
values (%(stream)s, %(batch_ids)s, %(released_ids)s, %(row_count)s)
on conflict (stream) do update
    set
        batch_ids = excluded.batch_ids,
        released_ids = excluded.released_ids,
        row_count = excluded.row_count,
        checked = false,
        filled_at = now()
