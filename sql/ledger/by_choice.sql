-- For this transaction: Postgres chooses how to read, as it does by itself.
select set_config(name, reset_val, true)
from pg_settings
where name in ('enable_hashjoin', 'enable_mergejoin', 'enable_nestloop', 'enable_seqscan')
