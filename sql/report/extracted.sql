-- One row per stream that was read since `since`: rows landed, published and set aside by the batches begun then.
select
    stream,
    sum(landed_rows)::bigint as landed,
    sum(published_rows)::bigint as published,
    sum(quarantined_rows)::bigint as quarantined,
    count(*) filter (where state not in ('published')) as unpublished_batches
from ops.batch
where started_at >= %(since)s
group by stream
order by stream
