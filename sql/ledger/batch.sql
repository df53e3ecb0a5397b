-- One batch as people look at it, with the audience it served; no row when there is no such batch.
select
    batch.batch_id,
    audience.destination,
    audience.audience_key as audience,
    batch.operation,
    batch.state,
    batch.sent,
    batch.accepted,
    batch.rejected,
    batch.unknown,
    batch.job_id,
    batch.request_id,
    batch.error_class,
    batch.error_code,
    batch.started_at,
    batch.ended_at
from audience.batch
inner join audience.audience on batch.audience_id = audience.audience_id
where batch.batch_id = %(batch_id)s
