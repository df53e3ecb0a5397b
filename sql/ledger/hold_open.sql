-- Opens a hold; one that it replaces is closed in the same transaction before.
insert into audience.hold (audience_id, reason, removals, audience_size, opened_at, since)
values (%(audience_id)s, %(reason)s, %(removals)s, %(size)s, %(at)s, coalesce(%(since)s, %(at)s))
returning hold_id
