-- One row per open batch whose check has ended.
update ops.batch
set
    state = %(state)s,
    checked_at = now()
where
    batch_id = any(%(batch_ids)s)
    and state in ('landed', 'failed', 'checked')
