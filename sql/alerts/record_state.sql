-- The state of a subject as it stands now: one row. What is told about it is sql/alerts/tell_changes.sql's. The owner,
-- the links, the causes and the words of a failure stay with its recovery, so that whoever was told of one is told of the
-- other.
insert into ops.alert_state as a (subject, state, since, owner, summary, spells, link, page, causes)
values (
    %(subject)s,
    %(state)s,
    %(at)s,
    %(owner)s,
    %(summary)s,
    case when %(state)s = 'failing' then 1 else 0 end,
    %(link)s,
    %(page)s,
    %(causes)s
)
on conflict (subject) do update
    set
        since = case when a.state = excluded.state then a.since else excluded.since end,
        spells = case
            when a.state = excluded.state or excluded.state = 'ok' then a.spells
            when a.told = 'ok' then 1
            else a.spells + 1
        end,
        owner = case when excluded.state = 'failing' then excluded.owner else a.owner end,
        causes = case when excluded.state = 'failing' then excluded.causes else a.causes end,
        state = excluded.state,
        summary = excluded.summary,
        link = coalesce(excluded.link, a.link),
        page = coalesce(excluded.page, a.page)
    where (
        a.state <> excluded.state
        or a.summary <> excluded.summary
        or a.link is distinct from excluded.link
        or a.page is distinct from excluded.page
        or (excluded.state = 'failing' and (a.owner <> excluded.owner or a.causes <> excluded.causes))
    )
