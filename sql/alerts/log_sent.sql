-- One row per notice and channel that took it.
insert into ops.alert_log (notice_id, subject, kind, channel, summary)
values (%(notice_id)s, %(subject)s, %(kind)s, %(channel)s, %(summary)s)
on conflict (notice_id, channel) do nothing
