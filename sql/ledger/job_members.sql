-- One row per person of a batch whose job is still open: their place in the batch and the identifiers as they were sent.
-- Who was sent anew since then belongs to a later batch and is left out.
select
    sent.batch_row,
    given.identifiers
from audience.batch
cross join lateral jsonb_array_elements(batch.identifiers::jsonb) with ordinality as given (identifiers, position)
inner join audience.sent on batch.batch_id = sent.batch_id and given.position - 1 = sent.batch_row
inner join audience.member
    on
        sent.audience_id = member.audience_id
        and sent.person_id = member.person_id
        and sent.identifier_hash = member.identifier_hash
        and sent.batch_id = member.batch_id
where
    batch.batch_id = %(batch_id)s
    and batch.outcome = 'accepted'
    and member.attempt_state is null
    and not exists (
        select from audience.line
        where line.batch_id = sent.batch_id and line.batch_row = sent.batch_row
    )
order by sent.batch_row
