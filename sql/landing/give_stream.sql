-- One row: the stream may be landed by others again.
select pg_advisory_unlock(7210002, hashtext(%(stream)s)) as given
