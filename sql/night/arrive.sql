-- One row a stream: it was published just now.
insert into ops.arrival (stream, came_at)
values (%(stream)s, %(at)s)
on conflict (stream) do update set came_at = excluded.came_at
