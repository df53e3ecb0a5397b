-- The audiences of one destination that are named by a file, or still hold (or may hold) somebody.
select
    audience.audience_id,
    audience.destination,
    audience.audience_key as key,
    audience.segment,
    audience.purpose,
    audience.options,
    audience.remote_id,
    audience.active
from audience.audience
where
    audience.destination = %(destination)s
    and (
        audience.active
        or exists (
            select from audience.member
            where
                member.audience_id = audience.audience_id
                and (member.acknowledged = 'present' or member.attempt_state in ('sent', 'retriable'))
        )
        or exists (
            select from audience.batch
            where batch.audience_id = audience.audience_id and batch.state = 'sent'
        )
    )
order by audience.audience_key
