/*
segment: lapsed_high_value
title: Lapsed high-value buyers
owner: growth
kind: value
goal: reactivation
params: {min_spend_cents: 15000, quiet_days: 90}
limits: {max_change_share: 0.5}
audiences:
  mailchimp: {tag: lapsed-high-value}
  hubspot: {list: lapsed-high-value}
  meta: {audience: lapsed-high-value}
*/
-- One row per person who spent at least min_spend_cents, net of returns and in one currency, in the two years up to
-- as_of and bought nothing in its last quiet_days days.
with

spend as (
    select
        person_id,
        currency,
        sum(total_cents) as total_cents
    from profile.person_order
    where
        ordered_on > %(as_of)s::date - interval '2 years'
        and ordered_on <= %(as_of)s::date
    group by person_id, currency
),

still_active as (
    select person_id
    from profile.person_order
    where
        is_purchase
        and ordered_on > %(as_of)s::date - %(quiet_days)s::integer
        and ordered_on <= %(as_of)s::date
)

select distinct spend.person_id
from spend
where
    spend.total_cents >= %(min_spend_cents)s
    and not exists (
        select 1
        from still_active
        where still_active.person_id = spend.person_id
    )
