/*
trait: engagement
title: How a person answers e-mail
owner: crm
columns: [opens_90d, clicks_90d, last_engaged_at, engagement]
*/
-- One row per person who ever opened or clicked an e-mail up to as_of. High: three clicks or ten opens in the 90 days up to
-- as_of; medium: a click or three opens; low: an open; none: nothing in those days.
with

answered as (
    select
        person_id,
        count(*) filter (
            where name = 'email_opened' and occurred_at >= (%(as_of)s::date - 89)::timestamp at time zone 'UTC'
        ) as opens_90d,
        count(*) filter (
            where name = 'email_clicked' and occurred_at >= (%(as_of)s::date - 89)::timestamp at time zone 'UTC'
        ) as clicks_90d,
        max(occurred_at) as last_engaged_at
    from profile.person_event
    where
        name in ('email_opened', 'email_clicked')
        and occurred_at < (%(as_of)s::date + 1)::timestamp at time zone 'UTC'
    group by person_id
)

select
    person_id,
    opens_90d,
    clicks_90d,
    last_engaged_at,
    case
        when clicks_90d >= 3 or opens_90d >= 10 then 'high'
        when clicks_90d >= 1 or opens_90d >= 3 then 'medium'
        when opens_90d >= 1 then 'low'
        else 'none'
    end as engagement
from answered
