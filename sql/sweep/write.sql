-- One row: what a sweep found and what was done about it.
insert into ops.sweep (stream, began_at, listed_keys, held_records, gone_records, state, batch_id)
values (%(stream)s, %(until)s, %(listed)s, %(held)s, %(gone)s, %(state)s, %(batch_id)s)
