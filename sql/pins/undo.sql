-- At most one row: a pin in force is undone, and the line in the audit; none when it is not in force.
with

undone as (
    update identity.pin
    set
        undone_at = now(),
        undone_by = %(who)s,
        undone_why = %(why)s
    where pin_id = %(pin_id)s and undone_at is null
    returning pin_id, kind
),

audited as (
    insert into ops.audit (actor, action, subject, details)
    select
        %(who)s,
        'identity undo ' || kind,
        'pin ' || pin_id,
        jsonb_build_object('why', %(why)s::text)
    from undone
)

select pin_id, kind
from undone
