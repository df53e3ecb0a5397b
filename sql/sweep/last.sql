-- At most one row: the last sweep of a stream. `allowed`: how many records the next one may delete although
-- there are too many of them; null: nobody said so.
select
    began_at,
    state = 'refused' as refused,
    case when state = 'refused' and allowed_at is not null then gone_records end as allowed
from ops.sweep
where stream = %(stream)s
order by sweep_id desc
limit 1
