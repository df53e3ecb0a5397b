-- One row per record of staging that the listing no longer names: a tombstone, which gives no row in staging.
insert into raw.record (batch_id, stream, record_key, payload, payload_hash)
select
    %(batch_id)s, -- noqa: AL03
    %(stream)s, -- noqa: AL03
    h.record_key,
    %(tombstone)s::text::json as payload,
    sha256(convert_to(%(tombstone)s::text, 'UTF8')) as payload_hash
from held_key as h
where not exists (select from listed_key as l where l.record_key = h.record_key)
