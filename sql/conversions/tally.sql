-- What one run came to, in orders: one row.
select
    count(*) filter (where delivery.outcome = 'accepted' and not delivery.restated) as told,
    count(*) filter (where delivery.outcome = 'accepted' and delivery.restated) as restated,
    count(*) filter (where delivery.outcome = 'confirmed') as confirmed,
    count(*) filter (where delivery.outcome = 'rejected') as rejected,
    count(*) filter (where delivery.outcome in ('retriable', 'unknown')) as open
from conversion.delivery
where
    delivery.destination = %(destination)s
    and delivery.action_id = %(action_id)s
    and delivery.at >= %(started_at)s
