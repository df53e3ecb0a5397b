-- One row: how many open holds of a destination nobody was asked about yet.
select count(*) as holds
from audience.hold
inner join audience.audience on hold.audience_id = audience.audience_id
where audience.destination = %(destination)s and hold.state = 'open' and hold.asked_in is null
