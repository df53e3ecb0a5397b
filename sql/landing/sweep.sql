-- One row per record under the given beginnings of keys that was landed before and did not come in this batch, which brought
-- all that its source has under them: a tombstone. One that is a tombstone already is left. When the batch brought nothing
-- under them at all, an outage is likelier than the end of everything, and nothing is swept.
with

prefix as (
    select one.prefix
    from unnest(%(prefixes)s::text[]) as one (prefix)
),

came as materialized (
    select distinct r.record_key
    from raw.record as r
    where
        r.stream = %(stream)s
        and r.batch_id = %(batch_id)s
        and exists (select from prefix as p where starts_with(r.record_key, p.prefix))
),

known as (
    select distinct on (r.record_key)
        r.record_key,
        r.payload_hash
    from prefix as p
    inner join raw.record as r
        on
            r.stream = %(stream)s
            and r.record_key collate "C" >= p.prefix collate "C"
            and r.record_key collate "C" < (p.prefix || chr(1114109)) collate "C"
            and r.batch_id < %(batch_id)s
    order by r.record_key, r.raw_id desc
)

insert into raw.record (batch_id, stream, record_key, payload, payload_hash)
select
    %(batch_id)s,
    %(stream)s,
    k.record_key,
    %(tombstone)s::json,
    %(tombstone_hash)s
from known as k
where
    k.payload_hash <> %(tombstone_hash)s
    and not exists (select from came as c where c.record_key = k.record_key)
    and exists (select from came)
