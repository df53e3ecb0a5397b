-- One row per signed money movement of an order, from the newest version that landed in the given batches: each line as it
-- was sold (after discounts, without shipping), each returned line of a refund at the refund's time. An order that was
-- called off before money moved is taken back line by line. Orders of the shop's own tests are left out.
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
        n.payload ->> 'cancelledAt' as cancelled_at,
        n.payload ->> 'displayFinancialStatus' in ('VOIDED', 'PENDING', 'AUTHORIZED', 'EXPIRED') as unpaid
    from staging.newest(%(stream)s, %(batch_ids)s::bigint[]) as n
    where n.payload ->> 'test' is distinct from 'true'
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
        l.node ->> 'title' as title,
        l.node ->> 'quantity' as quantity,
        l.node #>> '{discountedTotalSet,shopMoney,amount}' as amount
    from picked as o
    cross join lateral jsonb_array_elements(o.payload #> '{lineItems,nodes}') with ordinality as l (node, line_no)
),

called_off as (
    select
        l.record_key,
        2 as part,
        l.refund_no,
        l.line_no,
        'return' as kind,
        o.cancelled_at as moved_at,
        l.sku,
        l.title,
        l.quantity,
        l.amount
    from line as l
    inner join picked as o on l.record_key = o.record_key
    where
        o.cancelled_at is not null
        and o.unpaid
),

refunded as (
    select
        o.record_key,
        3 as part,
        r.refund_no,
        l.line_no,
        'return' as kind,
        coalesce(r.node ->> 'processedAt', r.node ->> 'createdAt') as moved_at,
        l.node #>> '{lineItem,sku}' as sku,
        l.node #>> '{lineItem,title}' as title,
        l.node ->> 'quantity' as quantity,
        l.node #>> '{subtotalSet,shopMoney,amount}' as amount
    from picked as o
    cross join lateral jsonb_array_elements(coalesce(o.payload -> 'refunds', '[]')) with ordinality as r (node, refund_no)
    cross join lateral jsonb_array_elements(r.node #> '{refundLineItems,nodes}') with ordinality as l (node, line_no)
),

moved as (
    select record_key, part, refund_no, line_no, kind, moved_at, sku, title, quantity, amount
    from line
    union all
    select record_key, part, refund_no, line_no, kind, moved_at, sku, title, quantity, amount
    from called_off
    union all
    select record_key, part, refund_no, line_no, kind, moved_at, sku, title, quantity, amount
    from refunded
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
        staging.read_number(m.quantity) * case m.kind when 'sale' then 1 else -1 end as quantity,
        m.amount as raw_amount,
        staging.read_number(m.amount) * case m.kind when 'sale' then 1 else -1 end as amount,
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
