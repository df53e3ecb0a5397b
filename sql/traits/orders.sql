/*
trait: orders
title: What a person has bought
owner: growth
columns: [currency, order_count, return_count, first_ordered_on, last_ordered_on, total_cents, year_cents,
          average_order_cents, favourite_hour, favourite_weekday]
*/
-- One row per person with any order or return up to as_of. Money is net of returns, in the person's main currency: the one of
-- most orders, then of the newest order. Hour and weekday are those of most purchases on the shop's clock.
with

entry as (
    select *
    from profile.orders_as_of(%(as_of)s::date)
),

main_currency as (
    select distinct on (person_id)
        person_id,
        currency
    from (
        select
            person_id,
            currency,
            count(*) as orders,
            max(ordered_at) as newest
        from entry
        group by person_id, currency
    ) as used
    order by person_id, orders desc, newest desc, currency
)

select
    e.person_id,
    m.currency,
    count(*) filter (where e.is_purchase) as order_count,
    count(*) filter (where e.returned_cents > 0 or not e.is_purchase) as return_count,
    min(e.ordered_on) filter (where e.is_purchase) as first_ordered_on,
    max(e.ordered_on) filter (where e.is_purchase) as last_ordered_on,
    coalesce(sum(e.total_cents) filter (where e.currency = m.currency), 0)::bigint as total_cents,
    coalesce(
        sum(e.total_cents) filter (where e.currency = m.currency and e.ordered_on > %(as_of)s::date - 365), 0
    )::bigint as year_cents,
    round(
        sum(e.total_cents) filter (where e.currency = m.currency)
        / nullif(count(*) filter (where e.is_purchase and e.currency = m.currency), 0)
    )::bigint as average_order_cents,
    mode() within group (order by e.local_hour) filter (where e.is_purchase) as favourite_hour,
    mode() within group (order by e.local_weekday) filter (where e.is_purchase) as favourite_weekday
from entry as e
inner join main_currency as m on e.person_id = m.person_id
group by e.person_id, m.currency
