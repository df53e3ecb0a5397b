-- At most one row: the oldest notice that a channel has not got yet, and whether it was handed over before without an
-- answer. The caller holds the channel's lock, so that two senders do not send one twice.
select
    o.notice_id,
    o.subject,
    o.kind,
    o.owner,
    o.summary,
    o.link,
    o.page,
    o.opened_at,
    t.notice_id is not null as again
from ops.alert_outbox as o
left join ops.alert_attempt as t on o.notice_id = t.notice_id and t.channel = %(channel)s
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
