-- One row: how many keys were listed, how many records of staging they are held against, and how many are not among them.
-- `held_key` is a view over staging: the stream's records that the listing would have to name.
select
    (select count(*) from listed_key) as listed,
    count(*) as held,
    count(*) filter (where not exists (select from listed_key as l where l.record_key = h.record_key)) as gone
from held_key as h
