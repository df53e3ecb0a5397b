-- One row per hold with what a person has to know of it. Newest first.
select
    hold.hold_id,
    audience.destination,
    audience.audience_key as audience,
    audience.segment,
    (
        select definition.owner
        from segment.definition
        where definition.segment = audience.segment
        order by definition.first_used_at desc
        limit 1
    ) as owner,
    hold.state,
    hold.reason,
    hold.removals,
    hold.audience_size,
    hold.since,
    hold.opened_at,
    hold.decision,
    hold.decided_by,
    hold.decided_at,
    hold.decided_why
from audience.hold
inner join audience.audience on hold.audience_id = audience.audience_id
where
    (%(hold_id)s::bigint is null or hold.hold_id = %(hold_id)s::bigint)
    and (%(states)s::text[] is null or hold.state = any(%(states)s::text[]))
order by hold.hold_id desc
limit %(most)s
