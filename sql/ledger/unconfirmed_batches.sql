-- Batches the platform took whose result it has not told yet, oldest first.
select
    batch_id,
    job_id,
    started_at
from audience.batch
where audience_id = %(audience_id)s and state = 'accepted' and job_id is not null
order by batch_id
