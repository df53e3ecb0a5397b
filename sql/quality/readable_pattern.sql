-- One row, or an error of Postgres: whether it can read the pattern.
select '' ~ %(pattern)s as matches
