-- One row per audience, operation and the platform's code: people a platform did not take since `since`, and who
-- therefore wait, are owed a removal or are left out.
select
    audience.destination,
    audience.audience_key as audience,
    delivery.operation,
    delivery.outcome,
    delivery.error_code,
    count(*) as people
from audience.delivery
join audience.audience using (audience_id)
where
    delivery.at >= %(since)s
    and delivery.outcome in ('rejected', 'retriable', 'debt', 'unknown')
group by 1, 2, 3, 4, 5
order by 1, 2, 3, 4, 5
