-- Requests the platform took whose result it has not told yet, oldest first.
select
    batch_id,
    job_id
from conversion.batch
where
    destination = %(destination)s
    and action_id = %(action_id)s
    and state = 'accepted'
    and job_id is not null
order by batch_id
