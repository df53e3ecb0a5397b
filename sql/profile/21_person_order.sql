-- One row per person and affected order: sold and returned in minor units. A return under a key of its own is an order
-- without a purchase.
with

fresh as (
    select
        r.person_id,
        e.stream,
        e.order_key,
        coalesce(min(e.occurred_at) filter (where e.kind = 'sale'), min(e.occurred_at)) as ordered_at,
        (array_agg(e.local_hour order by e.kind desc, e.occurred_at, e.record_key, e.entry_no))[1] as local_hour,
        (array_agg(e.local_weekday order by e.kind desc, e.occurred_at, e.record_key, e.entry_no))[1] as local_weekday,
        coalesce(sum(e.amount_minor) filter (where e.kind = 'sale'), 0) as sold_cents,
        coalesce(-sum(e.amount_minor) filter (where e.kind = 'return'), 0) as returned_cents,
        sum(e.amount_minor) as total_cents,
        coalesce(sum(e.quantity), 0) as quantity,
        min(e.currency) as currency,
        bool_or(e.kind = 'sale') as is_purchase,
        (max(e.occurred_at) at time zone 'UTC')::date as last_entry_on
    from identity.work_order as w
    inner join identity.bundle_row as b on w.stream = b.stream and w.order_key = b.order_key
    inner join identity.record as r on b.record_id = r.record_id
    inner join staging.order_entry as e
        on
            b.stream = e.stream
            and b.source_key = e.record_key
            and b.order_key = e.order_key
            and r.record_key = e.identity_key
    where r.person_id is not null
    group by r.person_id, e.stream, e.order_key
),

gone as (
    delete from profile.person_order as o
    using identity.work_order as w
    where
        o.stream = w.stream
        and o.order_key = w.order_key
        and not exists (
            select from fresh as f
            where
                f.stream = o.stream
                and f.order_key = o.order_key
                and f.person_id = o.person_id
        )
)

insert into profile.person_order as o (
    person_id, stream, order_key, ordered_at, ordered_on, local_hour, local_weekday, sold_cents, returned_cents,
    total_cents, quantity, currency, is_purchase, last_entry_on
)
select
    person_id, stream, order_key, ordered_at, (ordered_at at time zone 'UTC')::date, local_hour, local_weekday, sold_cents,
    returned_cents, total_cents, quantity, currency, is_purchase, last_entry_on
from fresh
on conflict (stream, order_key, person_id) do update
    set
        ordered_at = excluded.ordered_at,
        ordered_on = excluded.ordered_on,
        local_hour = excluded.local_hour,
        local_weekday = excluded.local_weekday,
        sold_cents = excluded.sold_cents,
        returned_cents = excluded.returned_cents,
        total_cents = excluded.total_cents,
        quantity = excluded.quantity,
        currency = excluded.currency,
        is_purchase = excluded.is_purchase,
        last_entry_on = excluded.last_entry_on
    where
    (
        o.ordered_at, o.local_hour, o.local_weekday, o.sold_cents, o.returned_cents, o.quantity, o.currency,
        o.is_purchase, o.last_entry_on
    ) is distinct from (
        excluded.ordered_at, excluded.local_hour, excluded.local_weekday, excluded.sold_cents,
        excluded.returned_cents, excluded.quantity, excluded.currency, excluded.is_purchase, excluded.last_entry_on
    )
