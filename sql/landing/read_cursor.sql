-- At most one row: where the stream's next window begins.
select cursor
from ops.stream_cursor
where stream = %(stream)s
