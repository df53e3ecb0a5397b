-- One row per proposal in a state, the surest first.
select
    p.proposal_id,
    p.state,
    round(p.weight::numeric, 1)::text as weight,
    round(p.probability::numeric, 4)::text as probability,
    a.person_id as person_a,
    b.person_id as person_b,
    p.proposed_at,
    p.decided_by,
    p.decided_why,
    p.model_version
from identity.proposal as p
left join identity.record as a on p.stream_a = a.stream and p.record_key_a = a.record_key
left join identity.record as b on p.stream_b = b.stream and p.record_key_b = b.record_key
where %(state)s::text is null or p.state = %(state)s
order by p.weight desc, p.proposal_id
limit %(most)s
