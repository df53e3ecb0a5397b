-- One row per open proposal of this run that holds at the stricter threshold: accepted, and a link from now on.
with

chosen as (
    select distinct
        p.proposal_id,
        p.stream_a,
        p.record_key_a,
        p.stream_b,
        p.record_key_b,
        p.weight
    from identity.proposal as p
    inner join identity.record as a on p.stream_a = a.stream and p.record_key_a = a.record_key
    inner join identity.record as b on p.stream_b = b.stream and p.record_key_b = b.record_key
    inner join identity.work_proposal as w
        on
            least(a.person_id, b.person_id) = least(w.person_a, w.person_b)
            and greatest(a.person_id, b.person_id) = greatest(w.person_a, w.person_b)
    where
        p.state = 'open'
        and p.seen_at = %(at)s
        and w.sure
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
    link_id = l.link_id
from linked as l
where
    p.stream_a = l.stream_a
    and p.record_key_a = l.record_key_a
    and p.stream_b = l.stream_b
    and p.record_key_b = l.record_key_b
