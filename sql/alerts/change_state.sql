-- At most one row: the notice that a change of state makes. One statement decides, so two callers at once make one
-- notice: the second finds the state as the first left it. The first good state of a subject is no news.
with

changed as (
    insert into ops.alert_state as a (subject, state, since, owner, summary)
    values (%(subject)s, %(state)s, now(), %(owner)s, %(summary)s)
    on conflict (subject) do update
        set
            state = excluded.state,
            since = excluded.since,
            owner = excluded.owner,
            summary = excluded.summary
        where a.state <> excluded.state
    returning
        subject,
        state,
        owner,
        summary,
        xmax = 0 as is_new
)

insert into ops.alert_outbox (subject, kind, owner, summary, link, channels)
select
    subject,
    case state when 'failing' then 'opened' else 'recovered' end as kind,
    owner,
    summary,
    %(link)s,
    %(channels)s
from changed
where
    state = 'failing'
    or not is_new
returning notice_id
