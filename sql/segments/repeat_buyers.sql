/*
segment: repeat_buyers
title: Repeat buyers
owner: growth
kind: transactional
goal: seed of a lookalike audience
params: {order_count: 2}
audiences:
  google: {audience: repeat-buyers}
  meta: {audience: repeat-buyers}
*/
-- One row per person who bought on at least order_count different days in the year up to as_of and kept something of
-- each: an order that was returned whole does not count, nor does a second order on one day.
select person_id
from profile.person_order
where
    is_purchase
    and total_cents > 0
    and ordered_on > %(as_of)s::date - interval '1 year'
    and ordered_on <= %(as_of)s::date
group by person_id
having count(distinct ordered_on) >= %(order_count)s
