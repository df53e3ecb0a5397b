-- One row per audience and set of identifiers: what the platform acknowledged last, and the open attempt.
select
    audience.destination,
    audience.audience_key as audience,
    audience.segment,
    member.person_id,
    member.acknowledged,
    member.acknowledged_at,
    member.confirmed_at,
    member.operation || ' ' || member.attempt_state as attempt,
    member.tries,
    member.error_class,
    member.error_code,
    member.error_text
from audience.member
inner join audience.audience on member.audience_id = audience.audience_id
where member.person_id = any(%(ids)s::uuid[])
order by audience.destination, audience.audience_key
