-- One row: how many keys were listed, how many records of staging they are held against, and how many are not among them; those
-- are written to `gone_key`. `held_key` is a view over staging: the stream's records that the listing would have to name. What
-- landed and was not published yet is left to the next listing: it may well say that the record is gone.
with

unpublished as (
    select r.record_key
    from ops.batch as b
    inner join raw.record as r
        on b.batch_id = r.batch_id
    where
        b.stream = %(stream)s
        and b.state <> 'published'
        and r.stream = %(stream)s
),

gone as (
    insert into gone_key (record_key)
    select h.record_key
    from held_key as h
    where
        not exists (select from listed_key as l where l.record_key = h.record_key)
        and not exists (select from unpublished as u where u.record_key = h.record_key)
    returning record_key
)

select
    (select count(*) from listed_key) as listed,
    (select count(*) from held_key) as held,
    (select count(*) from gone) as gone
