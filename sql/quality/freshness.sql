-- At most one row: the age of the stream's newest record when its newest batch was landed, and what its own past allows: half as
-- much again as the largest age of each of the last 28 days, but for the worst in ten; an hour at least.
with

batch as (
    select
        batch_id,
        landed_at,
        max(newest_at) over (order by batch_id) as newest_at
    from ops.batch
    where
        stream = %(stream)s
        and state <> 'landing'
        and landed_at > (
            select max(b.landed_at) from ops.batch as b where b.stream = %(stream)s
        ) - interval '30 days'
),

latest as (
    select
        landed_at,
        landed_at - newest_at as age
    from batch
    order by batch_id desc
    limit 1
),

aged as (
    select
        (b.landed_at at time zone 'UTC')::date as landed_on,
        max(b.landed_at - b.newest_at) as age
    from batch as b
    cross join latest as l
    where
        b.newest_at is not null
        and (b.landed_at at time zone 'UTC')::date < (l.landed_at at time zone 'UTC')::date
        and b.landed_at > l.landed_at - interval '29 days'
    group by (b.landed_at at time zone 'UTC')::date
),

usual as (
    select
        count(*) as days,
        percentile_cont(0.9) within group (order by age) as age
    from aged
)

select
    l.age,
    greatest(u.age * 1.5, interval '1 hour') as allowed,
    u.days >= 7 and l.age is not null as judged
from latest as l
cross join usual as u
