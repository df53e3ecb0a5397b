-- One row per given record: its staging row went, or only part of it changed.
insert into staging.changed_record (stream, record_key, batch_id)
select
    %(stream)s, -- noqa: AL03
    changed.record_key,
    changed.batch_id
from unnest(%(record_keys)s::text[], %(batch_ids)s::bigint[]) as changed (record_key, batch_id)
