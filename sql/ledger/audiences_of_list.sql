-- The audiences of the priority list an audience is on, itself among them; no row when it is on none.
select
    audience.audience_id,
    audience.destination,
    audience.audience_key as key,
    audience.segment,
    audience.purpose,
    audience.options,
    audience.remote_id,
    audience.active
from audience.audience as own
inner join audience.audience on own.priority_list = audience.priority_list
where own.audience_id = %(audience_id)s
order by audience.priority_rank
