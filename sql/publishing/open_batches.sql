-- One row: what the next candidate of a stream is made of. Batches that landed and are not published, and the
-- rows released from quarantine whose batch was published without them.
with

open_batch as (
    select
        batch_id,
        landed_rows
    from ops.batch
    where
        stream = %(stream)s
        and state in ('landed', 'failed', 'checked')
),

released as (
    select
        q.raw_id,
        q.batch_id
    from ops.quarantine as q
    inner join ops.batch as b on q.batch_id = b.batch_id
    where
        q.stream = %(stream)s -- noqa: RF02
        and b.state = 'published'
    group by q.raw_id, q.batch_id
    having
        bool_or(q.state = 'released')
        and not bool_or(q.state = 'held')  -- a row that broke two rules waits for both
)

select
    coalesce((select array_agg(batch_id order by batch_id) from open_batch), '{}') as batch_ids,
    coalesce((select sum(landed_rows) from open_batch), 0) as landed_rows,
    coalesce((select array_agg(raw_id order by raw_id) from released), '{}') as released_ids,
    coalesce((select array_agg(distinct batch_id) from released), '{}') as released_batch_ids
