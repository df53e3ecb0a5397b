-- One row per open proposal among these that becomes a link, which build_persons follows from its next run on.
with

chosen as (
    select
        proposal_id,
        stream_a,
        record_key_a,
        stream_b,
        record_key_b,
        weight
    from identity.proposal
    where
        proposal_id = any(%(proposal_ids)s::bigint[])
        and state = 'open'
    for update
),

linked as (
    insert into identity.link (stream_a, record_key_a, stream_b, record_key_b, weight, accepted_by, accepted_at)
    select
        stream_a,
        record_key_a,
        stream_b,
        record_key_b,
        weight,
        %(who)s,
        %(at)s
    from chosen
    returning link_id, stream_a, record_key_a, stream_b, record_key_b
)

update identity.proposal as p
set
    state = 'accepted',
    decided_at = %(at)s,
    decided_by = %(who)s,
    decided_why = %(why)s,
    link_id = l.link_id
from chosen as c
inner join linked as l using (stream_a, record_key_a, stream_b, record_key_b)
where p.proposal_id = c.proposal_id
