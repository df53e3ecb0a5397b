/*
trait: cart
title: The cart a person left behind
owner: crm
columns: [open_cart_at, open_cart_cents]
*/
-- One row per person whose newest abandoned cart up to as_of was followed by no purchase.
with

cart as (
    select distinct on (person_id)
        person_id,
        occurred_at,
        amount_minor
    from profile.person_event
    where
        name = 'cart_abandoned'
        and occurred_at < (%(as_of)s::date + 1)::timestamp at time zone 'UTC'
    order by person_id, occurred_at desc, stream collate "C", record_key collate "C", entry_no
)

select
    c.person_id,
    c.occurred_at as open_cart_at,
    c.amount_minor as open_cart_cents
from cart as c
where not exists (
    select from profile.orders_as_of(%(as_of)s::date) as o
    where
        o.person_id = c.person_id
        and o.is_purchase
        and o.ordered_at >= c.occurred_at
)
