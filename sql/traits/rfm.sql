/*
trait: rfm
title: Recency, frequency, monetary value
owner: growth
columns: [recency_days, frequency, monetary_cents, rfm_recency, rfm_frequency, rfm_monetary, rfm_segment]
*/
-- One row per buyer: days since the last purchase, purchase orders, money net of returns in the main currency. Scores 1 to 5
-- say in which fifth of all buyers the value lies, from the worst; equal values get equal scores (the higher fifth), whatever the
-- order of rows. Segments by recency and the mean of the other two.
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
),

buyer as (
    select
        e.person_id,
        %(as_of)s::date - max(e.ordered_on) filter (where e.is_purchase) as recency_days,
        count(*) filter (where e.is_purchase) as frequency,
        coalesce(sum(e.total_cents) filter (where e.currency = m.currency), 0)::bigint as monetary_cents
    from entry as e
    inner join main_currency as m on e.person_id = m.person_id
    group by e.person_id
    having bool_or(e.is_purchase)
),

placed as (
    select
        b.*,
        count(*) over () as buyers,
        count(*) over (order by b.recency_days desc) as recency_place,
        count(*) over (order by b.frequency) as frequency_place,
        count(*) over (order by b.monetary_cents) as monetary_place
    from buyer as b
),

scored as (
    select
        p.*,
        (5 * p.recency_place + p.buyers - 1) / p.buyers as r,
        (5 * p.frequency_place + p.buyers - 1) / p.buyers as f,
        (5 * p.monetary_place + p.buyers - 1) / p.buyers as m
    from placed as p
)

select
    person_id,
    recency_days,
    frequency,
    monetary_cents,
    r as rfm_recency,
    f as rfm_frequency,
    m as rfm_monetary,
    case
        when r >= 4 and f + m >= 8 then 'champions'
        when r >= 3 and f + m >= 6 then 'loyal'
        when r >= 4 and f + m >= 4 then 'potential_loyalists'
        when r = 5 then 'new'
        when r = 4 then 'promising'
        when r = 3 then 'need_attention'
        when r = 1 and f + m >= 9 then 'cannot_lose'
        when f + m >= 6 then 'at_risk'
        when r = 2 then 'about_to_sleep'
        else 'hibernating'
    end as rfm_segment
from scored
