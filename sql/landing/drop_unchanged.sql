-- Takes back the rows of a batch that say what the record's last landed version says already: windows overlap on
-- purpose, and a record that is merely read again is no change. Equal runs within the batch shrink to their first row.
-- Versions are compared in one pass over the batch's records: asked one by one, a table that was never analysed is
-- walked from its end for each of them.
with

touched as (
    select distinct record_key
    from raw.record
    where
        stream = %(stream)s
        and batch_id = %(batch_id)s
),

version as (
    select
        r.raw_id,
        r.batch_id,
        r.payload_hash,
        lag(r.payload_hash) over (partition by r.record_key order by r.raw_id) as hash_before
    from raw.record as r
    inner join touched as t on r.record_key = t.record_key
    where r.stream = %(stream)s
)

delete from raw.record as r
using version as v
where
    r.stream = %(stream)s
    and r.raw_id = v.raw_id
    and v.batch_id = %(batch_id)s
    and v.payload_hash = v.hash_before
