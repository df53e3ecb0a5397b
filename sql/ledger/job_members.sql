-- One row per person of a batch whose job is still open: their place in the batch and the identifiers as they were sent.
-- Who was sent anew since then belongs to a later batch and is left out.
select
    delivery.batch_row,
    coalesce(member.attempt_identifiers, member.sent_identifiers, '{}'::jsonb) as identifiers
from audience.delivery
inner join audience.member
    on
        delivery.audience_id = member.audience_id
        and delivery.person_id = member.person_id
        and delivery.batch_id = member.batch_id
where
    delivery.batch_id = %(batch_id)s
    and delivery.outcome = 'accepted'
    and member.attempt_state is null
order by delivery.batch_row
