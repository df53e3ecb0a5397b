-- One row per batch that was to be replayed and is not: it is published as it was.
update ops.batch
set
    state = 'published',
    replaying = false
where
    stream = %(stream)s
    and replaying
