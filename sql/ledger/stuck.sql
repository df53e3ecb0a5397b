-- Sessions that hold the lock of an audience and have given no sign of life for longer than the audience's own limit:
-- three times the slowest of its last twenty good syncs, and an hour at least (a call may wait a quarter of an hour for
-- quota). A sign of life is the start of the sync, the start or end of a request, or a statement of the session itself (it may
-- wait for another audience of its priority list, with nothing begun but a try that was killed). One row per session.
with

locked as (
    select
        pg_locks.pid,
        pg_locks.objid::bigint as audience_id
    from pg_locks
    where
        pg_locks.locktype = 'advisory'
        and pg_locks.classid = %(lock_space)s
        and pg_locks.objsubid = 2
        and pg_locks.granted
        and pg_locks.database = (select oid from pg_database where datname = current_database())
),

alive as (
    select
        locked.pid,
        locked.audience_id,
        greatest(
            max(sync.started_at),
            max(batch.started_at),
            max(batch.ended_at),
            max(pg_stat_activity.query_start)
        ) as last_sign_at
    from locked
    inner join pg_stat_activity on locked.pid = pg_stat_activity.pid
    inner join audience.sync on locked.audience_id = sync.audience_id and sync.ended_at is null
    left join audience.batch on sync.sync_id = batch.sync_id
    group by locked.pid, locked.audience_id
),

recent as (
    select
        sync.audience_id,
        sync.ended_at - sync.started_at as took,
        row_number() over (
            partition by sync.audience_id
            order by sync.started_at desc
        ) as nth
    from alive
    inner join audience.sync on alive.audience_id = sync.audience_id
    where sync.ended_at is not null and sync.outcome in ('success', 'partial', 'held')
),

usual as (
    select
        recent.audience_id,
        max(recent.took) as slowest
    from recent
    where recent.nth <= 20
    group by recent.audience_id
)

select
    alive.pid,
    audience.destination,
    audience.audience_key as audience,
    alive.last_sign_at
from alive
inner join audience.audience on alive.audience_id = audience.audience_id
left join usual on alive.audience_id = usual.audience_id
where alive.last_sign_at < %(at)s - greatest(interval '1 hour', usual.slowest * 3)
