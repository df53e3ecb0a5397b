-- One row per record that its source no longer has: a tombstone, which gives no row in staging.
insert into raw.record (batch_id, stream, record_key, payload, payload_hash)
select
    %(batch_id)s, -- noqa: AL03
    %(stream)s, -- noqa: AL03
    g.record_key,
    %(tombstone)s::text::json as payload,
    sha256(convert_to(%(tombstone)s::text, 'UTF8')) as payload_hash
from gone_key as g
