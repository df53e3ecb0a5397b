-- One row per quarantine row of an open batch: a new check decides anew. Released rows stay released.
delete from ops.quarantine
where
    stream = %(stream)s
    and state = 'held'
    and batch_id = any(%(batch_ids)s)
