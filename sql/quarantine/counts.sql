-- One row per stream, rule, reason and state. A filter that is null is left out.
select
    stream,
    rule,
    reason,
    state,
    count(*) as records,
    min(quarantined_at) as oldest_at
from ops.quarantine
where
    (%(stream)s::text is null or stream = %(stream)s)
    and (%(rule)s::text is null or rule = %(rule)s)
    and (%(state)s::text is null or state = %(state)s)
group by stream, rule, reason, state
order by records desc, stream asc, rule asc
