/*
segment: frequent_returners
title: Sends much back
owner: service
kind: transactional
goal: size advice instead of discounts
params: {order_count: 3, returned_share: 0.4}
*/
-- One row per person with at least order_count purchases in the year up to as_of who sent back at least returned_share
-- of what those were worth, in one currency.
select distinct person_id
from (
    select
        person_id,
        currency
    from profile.person_order
    where
        is_purchase
        and ordered_on > %(as_of)s::date - interval '1 year'
        and ordered_on <= %(as_of)s::date
    group by person_id, currency
    having
        count(*) >= %(order_count)s
        and sum(returned_cents) >= %(returned_share)s * sum(sold_cents)
) as by_currency
