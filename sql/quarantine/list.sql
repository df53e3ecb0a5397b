-- One row per rule that a landed record broke, newest first. A filter that is null is left out.
select
    quarantine_id,
    stream,
    record_key,
    batch_id,
    rule,
    reason,
    state,
    quarantined_at,
    released_by
from ops.quarantine
where
    (%(stream)s::text is null or stream = %(stream)s)
    and (%(rule)s::text is null or rule = %(rule)s)
    and (%(state)s::text is null or state = %(state)s)
order by quarantine_id desc
limit %(most)s
