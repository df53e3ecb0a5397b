-- One notice per owner with subjects that have been failing for a whole period since people last heard of them: the
-- subject itself, or a list of the oldest of them; behind them those that were not told because they share a cause.
with

due as (
    update ops.alert_state as a
    set told_at = %(at)s
    where
        a.state = 'failing'
        and a.told = 'failing'
        and a.told_at <= %(at)s::timestamptz - %(period)s::interval
    returning
        a.subject,
        a.owner,
        a.summary,
        a.link,
        a.page,
        a.opened_at,
        a.causes
),

follower as (
    select
        f.subject,
        f.owner,
        f.summary,
        f.since as opened_at
    from ops.alert_state as f
    where
        f.state = 'failing'
        and f.told = 'ok'
        and exists (
            select from due as d
            where
                d.owner = f.owner
                and array_append(d.causes, d.subject) && array_append(f.causes, f.subject)
        )
),

listed as (
    select
        d.subject,
        d.owner,
        d.summary,
        d.link,
        d.page,
        d.opened_at,
        false as follows
    from due as d
    union all
    select
        f.subject,
        f.owner,
        f.summary,
        null as link,
        null as page,
        f.opened_at,
        true as follows
    from follower as f
),

numbered as (
    select
        d.*,
        to_char(d.opened_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as since,
        row_number() over (
            partition by d.owner
            order by d.follows, d.opened_at, d.subject
        ) as nth
    from listed as d
),

by_owner as (
    select
        n.owner,
        count(*) as subjects,
        min(n.subject) as subject,
        min(n.since) as since,
        min(n.summary) as summary,
        min(n.link) as link,
        min(n.page) as page,
        string_agg(format('%%s (since %%s UTC): %%s', n.subject, n.since, n.summary), e'\n' order by n.nth)
        filter (where n.nth <= %(listed)s) as list
    from numbered as n
    group by n.owner
)

insert into ops.alert_outbox (subject, kind, owner, summary, link, page, channels, opened_at)
select
    case when b.subjects = 1 then b.subject else format('%%s subjects', b.subjects) end as subject,
    'reminded',
    b.owner,
    case
        when b.subjects = 1 then format('since %%s UTC: %%s', b.since, b.summary)
        when b.subjects > %(listed)s then format(e'%%s\nand %%s more', b.list, b.subjects - %(listed)s)
        else b.list
    end as summary,
    case when b.subjects = 1 then b.link end as link,
    case when b.subjects = 1 then b.page end as page,
    %(channels)s,
    %(at)s
from by_owner as b
order by b.owner
returning notice_id, subject
