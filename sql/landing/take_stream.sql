-- One row: whether this session is now the only one that lands the stream. Kept until the session ends or gives it back.
select pg_try_advisory_lock(7210002, hashtext(%(stream)s)) as taken
