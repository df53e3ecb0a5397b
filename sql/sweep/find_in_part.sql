-- One row: of the records under the given beginnings of keys, all of which the batch brought, how many came, how many were there
-- before by what landed last of them, and how many of those did not come; they are written to `gone_key`.
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

landed as (
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

held as materialized (
    select l.record_key
    from landed as l
    where l.payload_hash <> sha256(convert_to(%(tombstone)s::text, 'UTF8'))
),

gone as (
    insert into gone_key (record_key)
    select h.record_key
    from held as h
    where not exists (select from came as c where c.record_key = h.record_key)
    returning record_key
)

select
    (select count(*) from came) as listed,
    (select count(*) from held) as held,
    (select count(*) from gone) as gone
