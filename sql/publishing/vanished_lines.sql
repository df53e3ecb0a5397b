-- One row per record of an order or event stream whose newest landed version says that it is gone (a line that is no
-- longer in its file) while staging still holds it.
insert into checking.deletion (stream, record_key, raw_id, batch_id, payload_hash, changed_at)
select distinct on (r.record_key)
    r.stream,
    r.record_key,
    r.raw_id,
    r.batch_id,
    r.payload_hash,
    null::timestamptz as changed_at
from raw.record as r
inner join published as p on r.record_key = p.record_key
where
    r.stream = %(stream)s
    and r.batch_id = any(%(batch_ids)s)
    and r.raw_id > p.raw_id
    and r.payload ->> '_deleted' = 'true'
    and not exists (
        select from raw.record as later
        where
            later.stream = r.stream
            and later.record_key = r.record_key
            and later.raw_id > r.raw_id
            and later.batch_id = any(%(batch_ids)s)
    )
order by r.record_key, r.raw_id desc
