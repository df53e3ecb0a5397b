/*
trait: lifecycle
title: Where a person stands as a customer
owner: growth
columns: [lifecycle]
*/
-- One row per buyer: new (first purchase at most 30 days ago), active (last purchase at most 90 days ago), at_risk (at most
-- 180), lapsed. Who never bought is a prospect.
with

bought as (
    select
        person_id,
        min(ordered_on) as first_ordered_on,
        max(ordered_on) as last_ordered_on
    from profile.orders_as_of(%(as_of)s::date)
    where is_purchase
    group by person_id
)

select
    person_id,
    case
        when first_ordered_on >= %(as_of)s::date - 30 then 'new'
        when last_ordered_on >= %(as_of)s::date - 90 then 'active'
        when last_ordered_on >= %(as_of)s::date - 180 then 'at_risk'
        else 'lapsed'
    end as lifecycle
from bought
