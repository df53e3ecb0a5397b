-- Of batches that are about to be called, those that repeat a call without an answer: the same people in the same rows,
-- under the same identifiers, with the same values; each person's last attempt was that call, and since then no call of
-- the other kind (taking out, or putting in) was made that the repeat would have to come after. One row a repeat.
select
    sent.batch_id,
    min(lost.request_id) as request_id
from audience.sent
left join audience.member
    on
        sent.audience_id = member.audience_id
        and sent.person_id = member.person_id
        and sent.identifier_hash = member.identifier_hash
        and member.attempt_state = 'sent'
left join audience.batch as lost
    on
        member.batch_id = lost.batch_id
        and lost.audience_id = %(audience_id)s
        and lost.operation = %(operation)s
        and lost.outcome = 'unknown'
        and lost.request_id is not null
left join audience.sent as earlier
    on
        lost.batch_id = earlier.batch_id
        and sent.batch_row = earlier.batch_row
        and sent.person_id = earlier.person_id
        and sent.identifier_hash = earlier.identifier_hash
        and sent.payload_hash is not distinct from earlier.payload_hash
        and sent.kept is not distinct from earlier.kept
where sent.batch_id = any(%(batch_ids)s::bigint[])
group by sent.batch_id
having
    count(*) = count(earlier.batch_id)
    and count(*) = min(lost.sent)
    and min(lost.batch_id) = max(lost.batch_id)
    and not exists (
        select from audience.batch as other
        where
            other.audience_id = %(audience_id)s
            and other.batch_id > min(lost.batch_id)
            and other.batch_id < sent.batch_id
            and (other.operation = 'remove') <> (%(operation)s = 'remove')
    )
