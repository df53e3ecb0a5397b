-- One row per column that a stream's staging statement fills, in the order of the table.
select column_name
from information_schema.columns
where
    table_schema = 'checking'
    and table_name = %(shape)s
    and is_generated = 'NEVER'
    and column_name <> 'published_at'
order by ordinal_position
