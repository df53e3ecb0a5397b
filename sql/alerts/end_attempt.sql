-- The channel refused the notice: it did not arrive.
delete from ops.alert_attempt
where
    notice_id = %(notice_id)s
    and channel = %(channel)s
