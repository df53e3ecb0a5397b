-- One row per open proposal of this run that holds at the stricter threshold.
select distinct p.proposal_id
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
