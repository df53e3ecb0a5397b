-- One row per notice and channel that took it; its attempt is over.
with

over as (
    delete from ops.alert_attempt
    where
        notice_id = %(notice_id)s
        and channel = %(channel)s
)

insert into ops.alert_log (notice_id, subject, kind, channel, summary)
values (%(notice_id)s, %(subject)s, %(kind)s, %(channel)s, %(summary)s)
on conflict (notice_id, channel) do nothing
