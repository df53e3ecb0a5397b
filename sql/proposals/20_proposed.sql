-- One row per pair found, named by the oldest records of its two persons. Not proposed: a pair between whose persons a
-- rejection stands, or a split pin, or a link that was accepted before (a limit keeps the two apart).
with

named as (
    select
        w.*,
        a.stream as stream_a,
        a.record_key as record_key_a,
        b.stream as stream_b,
        b.record_key as record_key_b,
        (a.stream collate "C", a.record_key collate "C") < (b.stream collate "C", b.record_key collate "C") as in_order
    from identity.work_proposal as w
    inner join identity.person as pa on w.person_a = pa.person_id
    inner join identity.person as pb on w.person_b = pb.person_id
    inner join identity.record as a on pa.oldest_record_id = a.record_id
    inner join identity.record as b on pb.oldest_record_id = b.record_id
    where w.person_a <> w.person_b
),

decided as (
    select stream_a, record_key_a, stream_b, record_key_b from identity.proposal
    where state = 'rejected'
    union all
    select stream_a, record_key_a, stream_b, record_key_b from identity.pin
    where kind = 'split' and undone_at is null
    union all
    select stream_a, record_key_a, stream_b, record_key_b from identity.link
    where withdrawn_at is null
),

settled as ( -- pairs of today's persons
    select
        a.person_id as person_a,
        b.person_id as person_b
    from decided as d
    inner join identity.record as a on d.stream_a = a.stream and d.record_key_a = a.record_key
    inner join identity.record as b on d.stream_b = b.stream and d.record_key_b = b.record_key
    where
        a.person_id is not null
        and b.person_id is not null
)

insert into identity.proposal as o (
    model_version, stream_a, record_key_a, stream_b, record_key_b, weight, probability, contributions, state,
    proposed_at, seen_at
)
select
    %(model_version)s,
    case when n.in_order then n.stream_a else n.stream_b end,
    case when n.in_order then n.record_key_a else n.record_key_b end,
    case when n.in_order then n.stream_b else n.stream_a end,
    case when n.in_order then n.record_key_b else n.record_key_a end,
    n.weight,
    n.probability,
    n.contributions,
    'open',
    %(at)s as proposed_at,
    %(at)s as seen_at
from named as n
where
    not exists (
        select 1 from settled as s
        where
            (s.person_a = n.person_a and s.person_b = n.person_b)
            or (s.person_a = n.person_b and s.person_b = n.person_a)
    )
on conflict (stream_a, record_key_a, stream_b, record_key_b) do update
    set
        model_version = excluded.model_version,
        weight = excluded.weight,
        probability = excluded.probability,
        contributions = excluded.contributions,
        state = 'open',
        seen_at = excluded.seen_at,
        decided_at = null,
        decided_by = null,
        decided_why = null,
        link_id = null
    where o.state <> 'rejected'
