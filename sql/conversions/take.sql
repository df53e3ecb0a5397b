-- The next orders to tell, one row each, oldest first: purchases young enough, of whoever bought the most of it, who agrees
-- to ads at this moment and has an address or a number. Told for the first time, again because nobody knows whether the last
-- call was applied, or again with another value once the platform has confirmed the one before (a return, a refund). Orders in
-- two currencies have no value and are left out. What was refused for good is told again only when value or buyer changed.
-- Orders taken by this run are not taken again.
with

orders as (
    select
        stream,
        order_key,
        stream || '/' || order_key as transaction_id,
        min(ordered_at) as ordered_at,
        greatest(sum(total_cents), 0)::bigint as value_minor,
        min(currency) as currency,
        (array_agg(person_id order by sold_cents desc, person_id))[1] as person_id
    from profile.person_order
    where is_purchase and ordered_at >= %(not_before)s and ordered_at <= %(at)s
    group by stream, order_key
    having count(distinct currency) = 1
)

select
    orders.stream,
    orders.order_key,
    orders.transaction_id,
    orders.ordered_at,
    orders.value_minor,
    conversion.minor_per_unit(orders.currency) as minor_per_unit,
    orders.currency,
    told.acknowledged_minor is not null as restated,
    agreed.consent_id,
    person.person_id::text as person_id,
    person.email,
    person.phone,
    person.first_name,
    person.last_name,
    person.country,
    person.postcode
from orders
inner join consent.person_consent as agreed
    on orders.person_id = agreed.person_id and agreed.purpose = 'ads' and agreed.state = 'granted'
inner join profile.person on orders.person_id = person.person_id
left join conversion.told
    on
        told.destination = %(destination)s
        and told.action_id = %(action_id)s
        and orders.transaction_id = told.transaction_id
where
    (person.email is not null or person.phone is not null)
    and (told.batch_id is null or told.batch_id < %(first_batch_id)s)
    and (
        told.acknowledged_minor is null
        or told.attempt_state = 'sent'
        or (
            told.confirmed_at is not null
            and told.acknowledged_minor <> orders.value_minor
            and orders.ordered_at >= %(restate_not_before)s
        )
    )
    and (
        told.attempt_state is distinct from 'rejected'
        or (told.attempt_minor, told.person_id) is distinct from (orders.value_minor, orders.person_id)
    )
order by orders.ordered_at, orders.transaction_id
fetch first %(most)s rows only
