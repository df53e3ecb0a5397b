-- One row: landed records in the candidate, and how many of them are held.
with

records as (
    select distinct raw_id
    from candidate
)

select
    count(*) as records,
    count(*) filter (
        where exists (
            select from ops.quarantine as q
            where
                q.raw_id = records.raw_id
                and q.stream = %(stream)s -- noqa: RF02
                and q.state = 'held'
        )
    ) as held
from records
