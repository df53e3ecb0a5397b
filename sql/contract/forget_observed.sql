-- One row per column and kind of value of a batch that is published now: it stands in ops.known_column.
delete from ops.observed_column
where batch_id = any(%(batch_ids)s)
