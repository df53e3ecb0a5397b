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
        and (c.suite, c.checked_at) not in (select n.suite, n.checked_at from newest_check as n)
        and (c.suite, c.batch_id, c.checked_at) not in (select p.suite, p.batch_id, p.checked_at from ops.result_page as p)
    returning 1
),

cross_result as (
    delete from ops.cross_result as c
    where
        c.checked_at < %(before)s
        and c.cross_id not in (select max(n.cross_id) from ops.cross_result as n group by n.check_name)
    returning 1
),

connection_check as (
    delete from ops.connection_check as c
    where
        c.checked_at < %(before)s
        and c.check_id not in (select max(n.check_id) from ops.connection_check as n group by n.role, n.platform)
    returning 1
),

sweep as (
    delete from ops.sweep as s
    where
        s.ended_at < %(before)s
        and s.sweep_id not in (select max(n.sweep_id) from ops.sweep as n group by n.stream)
    returning 1
),

load_estimate as (
    delete from ops.load_estimate as e
    where
        e.estimated_at < %(before)s
        and e.estimate_id not in (select max(n.estimate_id) from ops.load_estimate as n group by n.stream)
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
