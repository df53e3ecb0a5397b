-- At most one row: the oldest notice that a channel has not got yet. The caller holds the channel's lock, so that two
-- senders do not send one twice.
select
    o.notice_id,
    o.subject,
    o.kind,
    o.owner,
    o.summary,
    o.link,
    o.page,
    o.opened_at
from ops.alert_outbox as o
where
    %(channel)s = any(o.channels)
    and not exists (
        select from ops.alert_log as sent
        where
            sent.notice_id = o.notice_id
            and sent.channel = %(channel)s -- noqa: RF02
    )
order by o.notice_id
limit 1
