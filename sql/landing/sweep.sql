-- One row: how many records under the given beginnings of keys were landed before and did not come in this batch, which
-- brought all that its source has under them, and for how many of them a tombstone was landed: for all, or, where of more than
-- `floor` records not one came, for none: an outage is likelier then than the end of everything.
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
),

missing as materialized (
    select k.record_key
    from known as k
    where
        k.payload_hash <> %(tombstone_hash)s
        and not exists (select from came as c where c.record_key = k.record_key)
),

swept as (
    insert into raw.record (batch_id, stream, record_key, payload, payload_hash)
    select
        %(batch_id)s,
        %(stream)s,
        m.record_key,
        %(tombstone)s::json,
        %(tombstone_hash)s
    from missing as m
    where
        exists (select from came)
        or (select count(*) from missing) <= %(floor)s
    returning record_key
)

select
    (select count(*) from missing) as missing,
    (select count(*) from swept) as swept
