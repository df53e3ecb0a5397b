/*
check: revenue_of_the_day
owner: data
severity: warning
reason: The last full day brought in far more or far less than the same weekdays before it.
params: {weeks: 8, least_weeks: 4, lowest: 0.3, highest: 4.0}
*/
-- One row: what was sold on the last full day (UTC) in the currency most orders have, as a share of the median of the same
-- weekday in the weeks before, as far back as there are orders. A weekday that uses to bring nothing is not judged.
with

main as (
    select e.currency
    from staging.order_entry as e
    where
        e.kind = 'sale'
        and e.occurred_at >= %(as_of)s::date - 7 * %(weeks)s::int - 1
        and e.occurred_at < %(as_of)s::date
    group by e.currency
    order by count(*) desc, e.currency
    limit 1
),

sold as (
    select
        (e.occurred_at at time zone 'UTC')::date as sold_on,
        sum(e.amount_minor) as amount_minor,
        count(distinct e.stream || e.order_key) as orders
    from staging.order_entry as e
    inner join main as m on e.currency = m.currency
    where
        e.kind = 'sale'
        and e.occurred_at >= %(as_of)s::date - 7 * %(weeks)s::int - 1
        and e.occurred_at < %(as_of)s::date
    group by (e.occurred_at at time zone 'UTC')::date
),

weekday as (
    select %(as_of)s::date - 1 - 7 * week_no as sold_on
    from generate_series(1, %(weeks)s::int) as week_no
),

before as (
    select
        count(*) as weeks,
        percentile_cont(0.5) within group (order by coalesce(s.amount_minor, 0)) as amount_minor
    from weekday as w
    left join sold as s on w.sold_on = s.sold_on
    where w.sold_on >= (select min(first.sold_on) from sold as first)
),

last_day as (
    select
        coalesce(sum(orders), 0)::bigint as orders,
        coalesce(sum(amount_minor), 0) as amount_minor
    from sold
    where sold_on = %(as_of)s::date - 1
),

shared as (
    select
        d.orders,
        b.weeks,
        d.amount_minor / nullif(b.amount_minor, 0) as found
    from last_day as d
    cross join before as b
)

select
    orders as checked_rows,
    null::bigint as failed_rows,
    found,
    case when found is not null then 1.0::float end as usual,
    case when weeks >= %(least_weeks)s and found is not null then found between %(lowest)s and %(highest)s end as passed
from shared
