-- At most one row: a proposal with everything that speaks for and against it.
select
    p.proposal_id,
    p.state,
    p.weight,
    p.probability,
    p.contributions,
    p.stream_a,
    p.record_key_a,
    p.stream_b,
    p.record_key_b,
    a.person_id as person_a,
    b.person_id as person_b,
    p.proposed_at,
    p.seen_at,
    p.decided_at,
    p.decided_by,
    p.decided_why,
    p.link_id,
    p.model_version,
    m.shift,
    m.slope,
    m.propose_from,
    m.accept_from,
    m.expected_precision
from identity.proposal as p
inner join identity.link_model as m on p.model_version = m.model_version
left join identity.record as a on p.stream_a = a.stream and p.record_key_a = a.record_key
left join identity.record as b on p.stream_b = b.stream and p.record_key_b = b.record_key
where p.proposal_id = %(proposal_id)s
