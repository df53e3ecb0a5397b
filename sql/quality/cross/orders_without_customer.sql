/*
check: orders_without_customer
owner: data
severity: critical
reason: Far more orders than usual name a customer that no source of customers knows.
params: {days: 7, least_orders: 50, least_days: 5, factor: 2, tolerance: 0.1}
*/
-- One row: of the orders of the last full days, how many name nobody whom a person record carries, by id or address. Compared
-- with the median of the check's own results of the last 28 days, those that passed or were accepted: a source of customers
-- that came back half empty shows here before its people are torn apart.
with

sold as (
    select
        e.stream,
        e.order_key,
        max(lower(btrim(e.email))) as email,
        max(e.ids::text)::jsonb as ids
    from staging.order_entry as e
    where
        e.kind = 'sale'
        and e.occurred_at >= %(as_of)s::date - %(days)s::int
        and e.occurred_at < %(as_of)s::date
    group by e.stream, e.order_key
),

named as (
    select
        s.stream,
        s.order_key,
        one.key as kind,
        one.value
    from sold as s
    cross join lateral jsonb_each_text(s.ids) as one
    union all
    select
        stream,
        order_key,
        'email' as kind,
        email as value
    from sold
    where email is not null
),

carried as (
    select
        one.key as kind,
        one.value
    from staging.person_record as p
    cross join lateral jsonb_each_text(p.ids) as one
    union all
    select
        'email' as kind,
        lower(btrim(p.email)) as value
    from staging.person_record as p
    where p.email is not null
),

known as (
    select distinct
        n.stream,
        n.order_key
    from named as n
    where (n.kind, n.value) in (select c.kind, c.value from carried as c)
),

counted as (
    select
        count(*) as checked_rows,
        count(*) - count(k.order_key) as failed_rows
    from sold as s
    left join known as k on s.stream = k.stream and s.order_key = k.order_key
),

day_before as (
    select distinct on (as_of) found
    from ops.cross_result
    where
        check_name = %(check_name)s
        and as_of < %(as_of)s::date
        and as_of >= %(as_of)s::date - 28
        and (passed or accepted_by is not null)
        and found is not null
    order by as_of desc, cross_id desc
),

usual as (
    select
        count(*) as days,
        percentile_cont(0.5) within group (order by found) as found
    from day_before
),

shared as (
    select
        checked_rows,
        failed_rows,
        failed_rows::float / nullif(checked_rows, 0) as found
    from counted
)

select
    s.checked_rows,
    s.failed_rows,
    s.found,
    u.found as usual,
    case
        when u.days >= %(least_days)s and s.checked_rows >= %(least_orders)s
            then s.found <= greatest(u.found * %(factor)s, u.found + %(tolerance)s)
    end as passed
from shared as s
cross join usual as u
