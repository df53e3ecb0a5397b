-- One row per signed money movement of an order, from the newest version that landed in the given batches: each line as it
-- was sold (after discounts, without shipping; with tax where the shop's prices include it), each returned line of a refund
-- at the refund's time, and a refund that names no line as one return of what is left of the goods, at most.
-- Money moved when the shop says when it was paid, or when the order has got as far as only paid ones do (cash on delivery
-- has no such time). Others give no row: waiting (pending, on-hold), failed and cancelled ones, drafts, the trash, and
-- orders of the payment plugins' test modes. What was paid and cancelled without a refund is taken back line by line.
with

picked as materialized (
    select
        n.stream,
        n.record_key,
        n.raw_id,
        n.batch_id,
        n.payload_hash,
        n.payload,
        staging.pick(n.payload, %(changed_at)s::text[], %(changed_at_else)s::text[]) as changed_at,
        staging.pick(n.payload, %(order_key)s::text[], %(order_key_else)s::text[]) as order_key,
        staging.pick(n.payload, %(occurred_at)s::text[], %(occurred_at_else)s::text[]) as occurred_at,
        staging.pick(n.payload, %(email)s::text[], %(email_else)s::text[]) as email,
        staging.pick(n.payload, %(phone)s::text[], %(phone_else)s::text[]) as phone,
        staging.pick(n.payload, %(phone_country)s::text[], %(phone_country_else)s::text[]) as phone_country,
        staging.pick(n.payload, %(currency)s::text[], %(currency_else)s::text[]) as currency,
        staging.pick(n.payload, %(country)s::text[], %(country_else)s::text[]) as country,
        staging.read_ids(n.payload, %(ids)s::jsonb) as ids,
        coalesce(n.payload ->> 'prices_include_tax' = 'true', false) as with_tax,
        n.payload ->> 'status' in ('cancelled', 'failed') as called_off
    from staging.newest(%(stream)s, %(batch_ids)s::bigint[]) as n
    where
        n.payload ->> 'status' not in ('trash', 'draft', 'auto-draft', 'checkout-draft')
        and (
            nullif(n.payload ->> 'date_paid_gmt', '') is not null
            or n.payload ->> 'status' in ('processing', 'completed', 'refunded')
        )
        and not jsonb_path_exists(
            n.payload,
            '$.meta_data[*] ? ((@.key == "_wcpay_mode" && @.value == "test")
                || (@.key == "_ppcp_paypal_payment_mode" && @.value == "sandbox"))'
        )
),

line as (
    select
        o.record_key,
        1 as part,
        1::bigint as refund_no,
        l.line_no,
        'sale' as kind,
        o.occurred_at as moved_at,
        l.node ->> 'sku' as sku,
        l.node ->> 'name' as title,
        l.node ->> 'quantity' as quantity,
        staging.read_number(l.node ->> 'quantity') as quantity_read,
        l.node ->> 'total' as amount,
        staging.read_number(l.node ->> 'total')
        + case when o.with_tax then coalesce(staging.read_number(l.node ->> 'total_tax'), 0) else 0 end as amount_read
    from picked as o
    cross join lateral jsonb_array_elements(o.payload -> 'line_items') with ordinality as l (node, line_no)
),

refund as (
    select
        o.record_key,
        o.with_tax,
        r.refund_no,
        r.node as refund_node,
        coalesce(r.node ->> 'date_created_gmt', o.changed_at) as moved_at,
        coalesce(r.node -> 'line_items', '[]') as returned
    from picked as o
    cross join lateral jsonb_array_elements(coalesce(o.payload -> 'refunds', '[]')) with ordinality as r (node, refund_no)
),

refunded as (
    select
        r.record_key,
        2 as part,
        r.refund_no,
        l.line_no,
        'return' as kind,
        r.moved_at,
        l.node ->> 'sku' as sku,
        l.node ->> 'name' as title,
        l.node ->> 'quantity' as quantity,
        staging.read_number(l.node ->> 'quantity') as quantity_read,
        l.node ->> 'total' as amount,
        staging.read_number(l.node ->> 'total')
        + case when r.with_tax then coalesce(staging.read_number(l.node ->> 'total_tax'), 0) else 0 end as amount_read
    from refund as r
    cross join lateral jsonb_array_elements(r.returned) with ordinality as l (node, line_no)
),

goods as (
    select
        record_key,
        sum(amount_read) as left_over
    from (
        select record_key, amount_read
        from line
        union all
        select record_key, amount_read
        from refunded
    ) as named
    group by record_key
),

-- Refunds that name no line: the amount alone, as "refunded" set by hand makes it, with shipping in it.
lump as (
    select
        r.record_key,
        r.refund_no,
        r.moved_at,
        coalesce(r.refund_node ->> 'amount', ltrim(r.refund_node ->> 'total', '-')) as amount,
        coalesce(g.left_over, 0) as left_over,
        sum(abs(staging.read_number(coalesce(r.refund_node ->> 'amount', r.refund_node ->> 'total')))) over (
            partition by r.record_key order by r.refund_no
        ) as paid_back,
        abs(staging.read_number(coalesce(r.refund_node ->> 'amount', r.refund_node ->> 'total'))) as paid_back_here
    from refund as r
    left join goods as g on r.record_key = g.record_key
    where r.returned = '[]'
),

lumped as (
    select
        record_key,
        3 as part,
        refund_no,
        1::bigint as line_no,
        'return' as kind,
        moved_at,
        null::text as sku,
        null::text as title,
        null::text as quantity,
        null::numeric as quantity_read,
        amount,
        -(least(paid_back, left_over) - least(paid_back - paid_back_here, left_over)) as amount_read
    from lump
),

taken_back as (
    select
        l.record_key,
        4 as part,
        l.refund_no,
        l.line_no,
        'return' as kind,
        o.changed_at as moved_at,
        l.sku,
        l.title,
        l.quantity,
        -l.quantity_read as quantity_read,
        l.amount,
        -l.amount_read as amount_read
    from line as l
    inner join picked as o on l.record_key = o.record_key
    where
        o.called_off
        and not exists (select from refund as r where r.record_key = l.record_key)
),

moved as (
    select record_key, part, refund_no, line_no, kind, moved_at, sku, title, quantity, quantity_read, amount, amount_read
    from line
    union all
    select record_key, part, refund_no, line_no, kind, moved_at, sku, title, quantity, quantity_read, amount, amount_read
    from refunded
    union all
    select record_key, part, refund_no, line_no, kind, moved_at, sku, title, quantity, quantity_read, amount, amount_read
    from lumped
    union all
    select record_key, part, refund_no, line_no, kind, moved_at, sku, title, quantity, quantity_read, amount, amount_read
    from taken_back
),

cast_row as (
    select
        o.stream,
        o.record_key,
        row_number() over (partition by o.record_key order by m.part, m.refund_no, m.line_no)::int as entry_no,
        o.raw_id,
        o.batch_id,
        o.payload_hash,
        o.changed_at as raw_changed_at,
        staging.read_time(o.changed_at) as changed_at,
        o.order_key,
        m.kind,
        m.moved_at,
        staging.read_time(m.moved_at) as occurred_at,
        o.email,
        o.phone,
        coalesce(staging.read_country(o.phone_country, %(countries)s::jsonb), %(constant_phone_country)s::text) as phone_country,
        o.ids,
        nullif(btrim(m.sku), '') as sku,
        nullif(btrim(m.title), '') as title,
        m.quantity as raw_quantity,
        m.quantity_read as quantity,
        m.amount as raw_amount,
        m.amount_read as amount,
        coalesce(o.currency, %(constant_currency)s::text) as raw_currency,
        staging.read_currency(coalesce(o.currency, %(constant_currency)s::text)) as currency,
        coalesce(staging.read_country(o.country, %(countries)s::jsonb), o.country, %(constant_country)s::text) as country
    from picked as o
    inner join moved as m on o.record_key = m.record_key
)

select
    stream,
    record_key,
    entry_no,
    raw_id,
    batch_id,
    payload_hash,
    staging.bundle_key(email, phone, ids) as identity_key,
    changed_at,
    order_key,
    kind,
    occurred_at,
    extract(hour from occurred_at at time zone %(constant_timezone)s::text)::int as local_hour,
    extract(isodow from occurred_at at time zone %(constant_timezone)s::text)::int as local_weekday,
    email,
    phone,
    phone_country,
    ids,
    sku,
    title,
    case when abs(quantity) < 2e9 then round(quantity)::int end as quantity,
    staging.to_minor(amount, currency) as amount_minor,
    currency,
    country,
    array_remove(array[
        case when raw_changed_at is not null and changed_at is null then 'changed_at' end,
        case when moved_at is not null and occurred_at is null then 'occurred_at' end,
        case when raw_quantity is not null and quantity is null then 'quantity' end,
        case when raw_amount is not null and amount is null then 'amount_minor' end,
        case when raw_currency is not null and currency is null then 'currency' end,
        case when %(goods)s::text is not null and sku is not null and sku !~ %(goods)s::text then 'sku:not_a_product' end
    ], null) as bad_casts
from cast_row
