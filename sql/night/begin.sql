-- One row per awaited stream that has not come for longer than a night's rhythm allows, or never; and with it persons are begun:
-- the next night is whole when each stream has come after this moment.
with

taken as (
    update ops.arrival set taken_at = %(at)s
    returning stream, came_at
)

select one.stream
from unnest(%(awaited)s::text[]) as one (stream)
left join taken as t on one.stream = t.stream
where
    t.came_at is null
    or t.came_at < %(at)s::timestamptz - make_interval(hours => %(hours)s)
order by one.stream
