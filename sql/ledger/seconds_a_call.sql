-- Mean duration of the last hundred answered calls to a destination, in seconds; null before the first one. One row.
select avg(extract(epoch from recent.ended_at - recent.started_at)) as seconds
from (
    select
        batch.started_at,
        batch.ended_at
    from audience.batch
    inner join audience.audience on batch.audience_id = audience.audience_id
    where audience.destination = %(destination)s and batch.ended_at is not null and batch.error_class is null
    order by batch.batch_id desc
    limit 100
) as recent
