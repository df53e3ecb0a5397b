-- One row per record the source deleted: so that a version from before cannot bring it back.
insert into staging.deleted_record (stream, record_key, raw_id, payload_hash, changed_at)
select
    d.stream,
    d.record_key,
    d.raw_id,
    d.payload_hash,
    d.changed_at
from checking.deletion as d
where d.stream = %(stream)s
on conflict (stream, record_key) do update
    set
        raw_id = excluded.raw_id,
        payload_hash = excluded.payload_hash,
        changed_at = excluded.changed_at,
        deleted_at = now()
