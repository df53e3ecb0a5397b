-- The orders to tell, oldest first: purchases young enough, of whoever bought the most of each. Told for the first time, again
-- because nobody knows whether the last call was applied, or again with another value once the platform has confirmed the one
-- before (a return, a refund). Orders in two currencies have no value and are left out. What was refused for good is due again
-- only when value or buyer changed.
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

insert into pg_temp.conversion_due (
    stream, order_key, transaction_id, person_id, ordered_at, value_minor, currency, restated
)
select
    orders.stream,
    orders.order_key,
    orders.transaction_id,
    orders.person_id,
    orders.ordered_at,
    orders.value_minor,
    orders.currency,
    told.acknowledged_minor is not null
from orders
inner join consent.person_consent as agreed
    on orders.person_id = agreed.person_id and agreed.purpose = 'ads' and agreed.state = 'granted'
left join conversion.told
    on
        told.destination = %(destination)s
        and told.action_id = %(action_id)s
        and orders.transaction_id = told.transaction_id
where
    (
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
