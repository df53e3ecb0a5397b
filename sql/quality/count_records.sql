-- One row: landed records in the candidate, and how many of them are held.
with

records as (
    select distinct raw_id
    from candidate
),

held as (
    select distinct raw_id
    from ops.quarantine
    where
        stream = %(stream)s
        and state = 'held'
)

select
    count(*) as records,
    count(h.raw_id) as held
from records as r
left join held as h on r.raw_id = h.raw_id
