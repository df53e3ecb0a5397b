-- One row: the batch is landed. One that brought nothing new has nothing to be checked or published and is done.
update ops.batch
set
    state = case when %(rows)s > 0 then 'landed' else 'published' end,
    landed_rows = %(rows)s,
    landed_at = now(),
    published_at = case when %(rows)s > 0 then null else now() end
where batch_id = %(batch_id)s
