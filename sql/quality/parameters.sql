-- One row: what rules compare a batch with. latest_at is a day after the newest landing, since files carry local
-- times; the volume limits are a tenth and ten times the median of the stream's last ten batches that brought
-- anything, in landed records, once there are five of them.
with

history as (
    select published_rows + quarantined_rows as row_count
    from ops.batch
    where
        stream = %(stream)s
        and state = 'published'
        and published_rows + quarantined_rows > 0
    order by batch_id desc
    limit 10
),

usual as (
    select
        count(*) as batches,
        percentile_cont(0.5) within group (order by row_count) as row_count
    from history
),

landed as (
    select max(coalesce(landed_at, window_until, started_at)) + interval '1 day' as latest_at
    from ops.batch
    where batch_id = any(%(batch_ids)s)
)

select
    l.latest_at,
    l.latest_at::date as latest_on,
    case when u.batches >= 5 then u.row_count / 10 else 0 end as volume_min,
    case when u.batches >= 5 then u.row_count * 10 end as volume_max
from landed as l
cross join usual as u
