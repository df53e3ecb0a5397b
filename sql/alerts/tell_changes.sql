-- The notices that states make: one row each. A failure is told when it begins; a recovery when it has lasted for
-- settle, so that a subject which fails again meanwhile is one failure to people. A failure waits while its owner knows of
-- another one that has a cause in common, and is told when that one is over and it is not. Who owns a failure now and was
-- not told of it is told. One statement decides and remembers, so two callers at once make one notice: the second finds the
-- state as the first left it.
with

news as (
    select n.subject
    from ops.alert_state as n
    where
        n.state = 'failing'
        and (n.told = 'ok' or n.told_owner <> n.owner)
        and not exists (
            select from ops.alert_state as known
            where
                known.subject <> n.subject
                and known.owner = n.owner
                and array_append(known.causes, known.subject) && array_append(n.causes, n.subject)
                and (
                    known.told = 'failing'
                    or (known.state = 'failing' and (known.since, known.subject) < (n.since, n.subject))
                )
        )
),

changed as (
    update ops.alert_state as a
    set
        told = a.state,
        told_at = %(at)s,
        told_owner = a.owner,
        opened_at = case when a.state = 'failing' then a.since else a.opened_at end
    where
        (
            a.state = 'failing'
            and (a.told = 'ok' or a.told_owner <> a.owner)
            and a.subject in (select news.subject from news)
        )
        or (a.state = 'ok' and a.told = 'failing' and a.since <= %(at)s::timestamptz - %(settle)s::interval)
    returning
        a.subject,
        a.state,
        a.owner,
        a.summary,
        a.link,
        a.page,
        a.opened_at,
        a.since,
        a.spells
),

-- A recovery says when the subject came and went before.
counted as (
    select
        c.*,
        case
            when c.state = 'ok' and c.spells > 1
                then format(
                    ' (it failed %%s times from %%s to %%s UTC)',
                    c.spells,
                    to_char(c.opened_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI'),
                    to_char(c.since at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
                )
            else ''
        end as flapping
    from changed as c
)

insert into ops.alert_outbox (subject, kind, owner, summary, link, page, channels, opened_at)
select
    c.subject,
    case c.state when 'failing' then 'opened' else 'recovered' end as kind,
    c.owner,
    c.summary || c.flapping as summary,
    c.link,
    c.page,
    %(channels)s,
    %(at)s
from counted as c
order by c.since, c.subject
returning notice_id, subject
