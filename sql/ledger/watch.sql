-- One row per audience of a destination: its owner, what its newest sync came to, and its open hold, in people.
with

newest as (
    select distinct on (sync.audience_id)
        sync.audience_id,
        sync.outcome,
        sync.rejected,
        sync.parked,
        sync.started_at
    from audience.sync
    where sync.ended_at is not null
    order by sync.audience_id, sync.started_at desc, sync.sync_id desc
)

select
    audience.audience_key as audience,
    audience.segment,
    (
        select definition.owner
        from segment.definition
        where definition.segment = audience.segment
        order by definition.first_used_at desc
        limit 1
    ) as owner,
    newest.outcome,
    newest.rejected,
    newest.parked,
    (
        select count(*)
        from audience.member
        where
            member.audience_id = audience.audience_id
            and member.attempt_state = 'retriable'
            and member.error_code = %(too_few)s
    ) as too_few,
    hold.hold_id,
    hold.reason,
    hold.removals,
    hold.audience_size,
    hold.since
from audience.audience
inner join newest on audience.audience_id = newest.audience_id
left join audience.hold on audience.audience_id = hold.audience_id and hold.state = 'open'
where audience.destination = %(destination)s
order by audience.audience_key
