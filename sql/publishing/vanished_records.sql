-- One row per record of an order or event stream whose newest landed version gave no row (a line that is no longer in its
-- file, an order whose lines all went) while staging holds an older version of it, or quarantine does.
-- `candidate` holds all that the open batches gave.
with

newest as (
    select distinct on (r.record_key)
        r.stream,
        r.record_key,
        r.raw_id,
        r.batch_id,
        r.payload_hash
    from raw.record as r
    where
        r.stream = %(stream)s
        and r.batch_id = any(%(batch_ids)s)
        and not exists (select from candidate as c where c.record_key = r.record_key)
    order by r.record_key, r.raw_id desc
)

insert into checking.deletion (stream, record_key, raw_id, batch_id, payload_hash, changed_at)
select
    n.stream,
    n.record_key,
    n.raw_id,
    n.batch_id,
    n.payload_hash,
    null::timestamptz as changed_at
from newest as n
where
    exists (
        select from published as p
        where
            p.stream = %(stream)s -- noqa: RF02
            and p.record_key = n.record_key
            and p.raw_id <= n.raw_id -- the same: a batch that is replayed
    )
    or exists (
        select from ops.quarantine as q
        where
            q.stream = %(stream)s -- noqa: RF02
            and q.record_key = n.record_key
            and q.raw_id < n.raw_id
            and q.state in ('held', 'released')
    )
