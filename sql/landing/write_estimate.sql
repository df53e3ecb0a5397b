-- One row: a load as it is expected before its first page.
insert into ops.load_estimate (stream, window_since, window_until, records, calls, seconds)
values (%(stream)s, %(since)s, %(until)s, %(records)s, %(calls)s, %(seconds)s)
