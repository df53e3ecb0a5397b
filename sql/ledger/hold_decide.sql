-- A person's answer to an open hold, and the line in the audit; no row when it is no longer open.
with

decided as (
    update audience.hold
    set
        state = %(state)s,
        decision = %(state)s,
        decided_at = %(at)s,
        decided_by = %(who)s,
        decided_why = %(why)s
    where hold_id = %(hold_id)s and state = 'open'
    returning hold_id, audience_id, reason, removals, audience_size
)

insert into ops.audit (at, actor, action, subject, details)
select
    %(at)s,
    %(who)s,
    'hold ' || %(state)s,
    'hold ' || decided.hold_id,
    jsonb_build_object(
        'destination', audience.destination,
        'audience', audience.audience_key,
        'removals', decided.removals,
        'audience_size', decided.audience_size,
        'reason', decided.reason,
        'why', %(why)s::text
    )
from decided
inner join audience.audience on decided.audience_id = audience.audience_id
