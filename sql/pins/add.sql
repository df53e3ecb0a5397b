-- One row: a decision about two records, and the line in the audit.
with

pinned as (
    insert into identity.pin (kind, stream_a, record_key_a, stream_b, record_key_b, who, why)
    values (%(kind)s, %(stream_a)s, %(record_key_a)s, %(stream_b)s, %(record_key_b)s, %(who)s, %(why)s)
    returning pin_id, created_at
),

audited as (
    insert into ops.audit (actor, action, subject, details)
    select
        %(who)s,
        'identity ' || %(kind)s::text,
        'pin ' || pin_id,
        jsonb_build_object('a', %(shown_a)s::text, 'b', %(shown_b)s::text, 'why', %(why)s::text)
    from pinned
)

select pin_id, created_at
from pinned
