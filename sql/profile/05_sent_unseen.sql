-- One row per table of what was sent to platforms that grew by more than a tenth since Postgres last looked at its values.
select relname as table_name
from pg_stat_user_tables
where
    schemaname = 'audience'
    and relname in ('batch', 'line', 'sent')
    and n_mod_since_analyze > 50 + 0.1 * n_live_tup
