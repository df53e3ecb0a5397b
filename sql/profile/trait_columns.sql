-- One row per column of profile.trait, with its default.
select
    column_name,
    column_default
from information_schema.columns
where
    table_schema = 'profile'
    and table_name = 'trait'
