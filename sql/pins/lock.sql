-- Decisions by hand come one after the other: each is held against those that stand.
select pg_advisory_xact_lock(7210022)
