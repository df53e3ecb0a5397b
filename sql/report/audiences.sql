-- One row per audience that is active or was synced since `since`: people moved over all syncs since then, what the
-- requests were answered with, the newest outcome, and how many the ledger holds as present now.
with

synced as (
    select
        audience_id,
        count(*) as syncs,
        sum(added)::bigint as added,
        sum(updated)::bigint as updated,
        sum(removed)::bigint as removed,
        sum(rejected)::bigint as rejected,
        sum(confirmed)::bigint as confirmed,
        (array_agg(outcome order by started_at desc, sync_id desc))[1] as outcome,
        (array_agg(held_remove order by started_at desc, sync_id desc))[1] as held,
        (array_agg(parked order by started_at desc, sync_id desc))[1] as parked,
        (array_agg(hold_reason order by started_at desc, sync_id desc))[1] as hold_reason,
        (array_agg(coalesce(error_code, error_class) order by started_at desc, sync_id desc))[1] as error_code
    from audience.sync
    where started_at >= %(since)s
    group by audience_id
),

called as (
    select
        audience_id,
        count(*) as requests,
        sum(sent)::bigint as sent,
        sum(accepted)::bigint as accepted,
        sum(rejected)::bigint as refused,
        sum(unknown)::bigint as unknown,
        count(*) filter (where state in ('sent', 'accepted', 'unknown')) as unconfirmed_requests
    from audience.batch
    where started_at >= %(since)s
    group by audience_id
),

held as (
    select
        audience_id,
        count(*) filter (where acknowledged = 'present') as members,
        count(*) filter (where attempt_state is not null and attempt_state <> 'rejected') as open_attempts
    from audience.member
    group by audience_id
)

select
    audience.destination,
    audience.audience_key as audience,
    audience.segment,
    audience.active,
    coalesce(synced.syncs, 0) as syncs,
    coalesce(synced.added, 0) as added,
    coalesce(synced.updated, 0) as updated,
    coalesce(synced.removed, 0) as removed,
    coalesce(synced.rejected, 0) as rejected,
    coalesce(synced.confirmed, 0) as confirmed,
    coalesce(synced.held, 0) as held,
    coalesce(synced.parked, 0) as parked,
    synced.hold_reason,
    synced.outcome,
    synced.error_code,
    coalesce(called.requests, 0) as requests,
    coalesce(called.sent, 0) as sent,
    coalesce(called.accepted, 0) as accepted,
    coalesce(called.refused, 0) as refused,
    coalesce(called.unknown, 0) as unknown,
    coalesce(called.unconfirmed_requests, 0) as unconfirmed_requests,
    coalesce(held.members, 0) as members,
    coalesce(held.open_attempts, 0) as open_attempts
from audience.audience
left join synced using (audience_id)
left join called using (audience_id)
left join held using (audience_id)
where audience.active or synced.syncs > 0
order by audience.destination, audience.audience_key
