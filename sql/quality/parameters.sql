-- One row: what rules compare a batch with. latest_at is a day after the newest landing, since files carry local times.
-- Volume is counted by day of landing (UTC), in landed records: batches of two minutes and of a night come together, and a
-- first load is one day among many.
-- Usual is the median of the days of the last eight weeks that brought anything: of the same weekday when
-- there are four of them, else of all once there are five. The limits are a tenth and ten times, less what this day
-- brought already; a day of several batches has no lower limit before it is over.
with

landed as (
    select max(coalesce(landed_at, window_until, started_at)) as landed_at
    from ops.batch
    where batch_id = any(%(batch_ids)s)
),

landed_day as (
    select
        (b.landed_at at time zone 'UTC')::date as landed_on,
        sum(b.published_rows + b.quarantined_rows) as row_count,
        count(*) as batches
    from ops.batch as b
    cross join landed as l
    where
        b.stream = %(stream)s
        and b.state = 'published'
        and b.published_rows + b.quarantined_rows > 0
        and b.landed_at > l.landed_at - interval '57 days'
        and b.landed_at <= l.landed_at
    group by (b.landed_at at time zone 'UTC')::date
),

today as (select (landed_at at time zone 'UTC')::date as landed_on from landed),

usual as (
    select
        count(*) as days,
        count(*) filter (where extract(isodow from d.landed_on) = extract(isodow from t.landed_on)) as same_days,
        percentile_cont(0.5) within group (order by d.row_count) as row_count,
        percentile_cont(0.5) within group (order by d.row_count)
        filter (where extract(isodow from d.landed_on) = extract(isodow from t.landed_on)) as same_row_count,
        percentile_cont(0.5) within group (order by d.batches) as batches
    from landed_day as d
    cross join today as t
    where d.landed_on < t.landed_on
),

limits as (
    select
        u.batches,
        case
            when u.same_days >= 4 then u.same_row_count
            when u.days >= 5 then u.row_count
        end as row_count,
        coalesce((select d.row_count from landed_day as d inner join today as t on d.landed_on = t.landed_on), 0) as already
    from usual as u
)

select
    l.landed_at + interval '1 day' as latest_at,
    (l.landed_at + interval '1 day')::date as latest_on,
    case
        when v.row_count is null or v.batches > 1 then 0
        else greatest(v.row_count / 10 - v.already, 0)
    end as volume_min,
    case when v.row_count is not null then greatest(v.row_count * 10 - v.already, 0) end as volume_max
from landed as l
cross join limits as v
