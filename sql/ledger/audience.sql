-- One audience by its number.
select
    audience.audience_id,
    audience.destination,
    audience.audience_key as key,
    audience.segment,
    audience.purpose,
    audience.options,
    audience.remote_id,
    audience.active
from audience.audience
where audience.audience_id = %(audience_id)s
