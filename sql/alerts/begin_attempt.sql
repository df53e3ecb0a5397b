-- One row per notice and channel: it is about to be handed over.
insert into ops.alert_attempt (notice_id, channel)
values (%(notice_id)s, %(channel)s)
on conflict (notice_id, channel) do nothing
