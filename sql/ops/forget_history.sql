-- Deletes what the gate, the watch and the checks of connections wrote down before `before`; one row: how many of each. What
-- somebody may still ask for stays: the newest of each suite, stream, check and platform, a check that has a page, and
-- everything about a subject that fails. Batches stay, which raw is filed under, and so does the audit.
with

task_run as (
    delete from ops.task_run as t
    where t.started_at < %(before)s
    returning 1
),

newest_check as (
    select
        s.suite,
        max(s.checked_at) as checked_at
    from ops.check_result as s
    group by s.suite
),

check_result as (
    delete from ops.check_result as c
    where
        c.checked_at < %(before)s
        and not exists (
            select from newest_check as n
            where n.suite = c.suite and n.checked_at = c.checked_at
        )
        and not exists (
            select from ops.result_page as p
            where p.suite = c.suite and p.batch_id = c.batch_id and p.checked_at = c.checked_at
        )
    returning 1
),

cross_result as (
    delete from ops.cross_result as c
    where
        c.checked_at < %(before)s
        and exists (
            select from ops.cross_result as n
            where n.check_name = c.check_name and n.cross_id > c.cross_id
        )
    returning 1
),

connection_check as (
    delete from ops.connection_check as c
    where
        c.checked_at < %(before)s
        and exists (
            select from ops.connection_check as n
            where n.role = c.role and n.platform = c.platform and n.check_id > c.check_id
        )
    returning 1
),

sweep as (
    delete from ops.sweep as s
    where
        s.ended_at < %(before)s
        and exists (
            select from ops.sweep as n
            where n.stream = s.stream and n.sweep_id > s.sweep_id
        )
    returning 1
),

load_estimate as (
    delete from ops.load_estimate as e
    where
        e.estimated_at < %(before)s
        and exists (
            select from ops.load_estimate as n
            where n.stream = e.stream and n.estimate_id > e.estimate_id
        )
    returning 1
),

-- A notice goes before its log does: one without a log would be sent again.
alert_outbox as (
    delete from ops.alert_outbox as o
    where o.opened_at < %(before)s
    returning 1
),

alert_log as (
    delete from ops.alert_log as l
    where
        l.sent_at < %(before)s
        and not exists (
            select from ops.alert_outbox as o
            where
                o.notice_id = l.notice_id
                and o.opened_at >= %(before)s
        )
    returning 1
),

alert_state as (
    delete from ops.alert_state as a
    where
        a.state = 'ok'
        and a.told = 'ok'
        and a.since < %(before)s
    returning 1
)

select
    (select count(*) from task_run) as task_run,
    (select count(*) from check_result) as check_result,
    (select count(*) from cross_result) as cross_result,
    (select count(*) from connection_check) as connection_check,
    (select count(*) from sweep) as sweep,
    (select count(*) from load_estimate) as load_estimate,
    (select count(*) from alert_outbox) as alert_outbox,
    (select count(*) from alert_log) as alert_log,
    (select count(*) from alert_state) as alert_state
