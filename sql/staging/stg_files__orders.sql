-- One row per line of a dropped file of orders: the newest version that landed in the given batches, read by the mapping
-- its payload names. A line is a return when its mapping's pattern says so, or its quantity or amount is below zero.
-- A value that cannot be read is null and its column is named in bad_casts; a line that is no line at all says why there.
with

-- What the project brings, and over it what lies beside the data (the landing keeps that in the cursor).
mapping as materialized (
    select
        one.key as name,
        nullif(array(select jsonb_array_elements_text(one.value -> 'changed_at')), '{}') as changed_at,
        nullif(array(select jsonb_array_elements_text(one.value -> 'changed_at_else')), '{}') as changed_at_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'order_key')), '{}') as order_key,
        nullif(array(select jsonb_array_elements_text(one.value -> 'order_key_else')), '{}') as order_key_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'occurred_at')), '{}') as occurred_at,
        nullif(array(select jsonb_array_elements_text(one.value -> 'occurred_at_else')), '{}') as occurred_at_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'email')), '{}') as email,
        nullif(array(select jsonb_array_elements_text(one.value -> 'email_else')), '{}') as email_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'phone')), '{}') as phone,
        nullif(array(select jsonb_array_elements_text(one.value -> 'phone_else')), '{}') as phone_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'phone_country')), '{}') as phone_country,
        nullif(array(select jsonb_array_elements_text(one.value -> 'phone_country_else')), '{}') as phone_country_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'sku')), '{}') as sku,
        nullif(array(select jsonb_array_elements_text(one.value -> 'sku_else')), '{}') as sku_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'title')), '{}') as title,
        nullif(array(select jsonb_array_elements_text(one.value -> 'title_else')), '{}') as title_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'quantity')), '{}') as quantity,
        nullif(array(select jsonb_array_elements_text(one.value -> 'quantity_else')), '{}') as quantity_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'amount')), '{}') as amount,
        nullif(array(select jsonb_array_elements_text(one.value -> 'amount_else')), '{}') as amount_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'unit_price')), '{}') as unit_price,
        nullif(array(select jsonb_array_elements_text(one.value -> 'unit_price_else')), '{}') as unit_price_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'currency')), '{}') as currency,
        nullif(array(select jsonb_array_elements_text(one.value -> 'currency_else')), '{}') as currency_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'country')), '{}') as country,
        nullif(array(select jsonb_array_elements_text(one.value -> 'country_else')), '{}') as country_else,
        nullif(array(select jsonb_array_elements_text(one.value -> 'order_key_2')), '{}') as order_key_2,
        nullif(array(select jsonb_array_elements_text(one.value -> 'returns_path')), '{}') as returns_path,
        one.value ->> 'returns_pattern' as returns_pattern,
        one.value ->> 'goods' as goods,
        one.value -> 'ids' as ids,
        one.value -> 'countries' as countries,
        one.value ->> 'constant_timezone' as constant_timezone,
        one.value ->> 'constant_date_order' as constant_date_order,
        one.value ->> 'constant_decimal' as constant_decimal,
        one.value ->> 'constant_currency' as constant_currency,
        one.value ->> 'constant_country' as constant_country,
        one.value ->> 'constant_phone_country' as constant_phone_country
    from jsonb_each(
        %(mappings)s::jsonb
        || coalesce((select c.cursor -> 'mappings' from ops.stream_cursor as c where c.stream = %(stream)s), '{}')
    ) as one
),

setting as materialized (
    select
        name,
        goods,
        countries,
        constant_timezone,
        constant_date_order,
        constant_decimal,
        constant_currency,
        constant_country,
        constant_phone_country
    from mapping
),

newest as (
    select distinct on (record_key)
        stream,
        record_key,
        raw_id,
        batch_id,
        payload_hash,
        payload
    from raw.record
    where
        stream = %(stream)s
        and batch_id = any(%(batch_ids)s::bigint[])
    order by record_key, raw_id desc
),

parsed as materialized (
    select
        stream,
        record_key,
        raw_id,
        batch_id,
        payload_hash,
        payload::jsonb as payload
    from newest
),

picked as materialized (
    select
        n.stream,
        n.record_key,
        n.raw_id,
        n.batch_id,
        n.payload_hash,
        staging.pick(n.payload, m.changed_at, m.changed_at_else) as changed_at,
        concat_ws(
            '-', staging.pick(n.payload, m.order_key, m.order_key_else), staging.pick(n.payload, m.order_key_2)
        ) as order_key,
        staging.pick(n.payload, m.occurred_at, m.occurred_at_else) as occurred_at,
        staging.pick(n.payload, m.email, m.email_else) as email,
        staging.pick(n.payload, m.phone, m.phone_else) as phone,
        staging.pick(n.payload, m.phone_country, m.phone_country_else) as phone_country,
        staging.pick(n.payload, m.sku, m.sku_else) as sku,
        staging.pick(n.payload, m.title, m.title_else) as title,
        staging.pick(n.payload, m.quantity, m.quantity_else) as quantity,
        staging.pick(n.payload, m.amount, m.amount_else) as amount,
        staging.pick(n.payload, m.unit_price, m.unit_price_else) as unit_price,
        staging.pick(n.payload, m.currency, m.currency_else) as currency,
        staging.pick(n.payload, m.country, m.country_else) as country,
        staging.read_ids(n.payload, m.ids) as ids,
        coalesce(staging.pick(n.payload, m.returns_path) ~ m.returns_pattern, false) as is_return,
        n.payload ->> '_error' as line_error,
        n.payload ->> '_mapping' as mapping
    from parsed as n
    left join mapping as m on m.name = n.payload ->> '_mapping'
    where not n.payload ? '_deleted'
),

cast_row as materialized (
    select
        stream,
        record_key,
        raw_id,
        batch_id,
        payload_hash,
        staging.read_time(changed_at, m.constant_timezone, m.constant_date_order) as changed_at,
        changed_at as raw_changed_at,
        nullif(order_key, '') as order_key,
        is_return,
        staging.read_time(occurred_at, m.constant_timezone, m.constant_date_order) as occurred_at,
        occurred_at as raw_occurred_at,
        email,
        phone,
        coalesce(staging.read_country(phone_country, m.countries), m.constant_phone_country) as phone_country,
        ids,
        sku,
        m.goods,
        title,
        staging.read_number(quantity, m.constant_decimal) as quantity,
        quantity as raw_quantity,
        case
            when amount is not null then staging.read_number(amount, m.constant_decimal)
            else staging.read_number(unit_price, m.constant_decimal) * staging.read_number(quantity, m.constant_decimal)
        end as amount,
        coalesce(amount, unit_price) as raw_amount,
        staging.read_currency(coalesce(currency, m.constant_currency)) as currency,
        coalesce(currency, m.constant_currency) as raw_currency,
        case
            when country is null then m.constant_country
            when m.countries ? lower(country) then m.countries ->> lower(country)
            else coalesce(staging.read_country(country, m.countries), country)
        end as country,
        m.constant_timezone,
        line_error
    from picked
    left join setting as m on m.name = picked.mapping
),

signed as (
    select
        stream,
        record_key,
        raw_id,
        batch_id,
        payload_hash,
        changed_at,
        raw_changed_at,
        order_key,
        case
            when line_error is not null then null
            when is_return or quantity < 0 or amount < 0 then 'return'
            else 'sale'
        end as kind,
        occurred_at,
        raw_occurred_at,
        email,
        phone,
        phone_country,
        ids,
        sku,
        goods,
        title,
        case when abs(quantity) < 2e9 then round(quantity)::int end as quantity,
        raw_quantity,
        amount,
        raw_amount,
        currency,
        raw_currency,
        country,
        constant_timezone,
        line_error
    from cast_row
)

select
    stream,
    record_key,
    1 as entry_no,
    raw_id,
    batch_id,
    payload_hash,
    staging.bundle_key(email, phone, ids) as identity_key,
    changed_at,
    order_key,
    kind,
    occurred_at,
    case when raw_occurred_at ~ '\d:\d\d' then extract(hour from occurred_at at time zone constant_timezone)::int end as local_hour,
    extract(isodow from occurred_at at time zone constant_timezone)::int as local_weekday,
    email,
    phone,
    phone_country,
    ids,
    sku,
    title,
    case when kind = 'return' then -abs(quantity) else quantity end as quantity,
    staging.to_minor(case when kind = 'return' then -abs(amount) else amount end, currency) as amount_minor,
    currency,
    country,
    array_remove(array[
        line_error,
        case when raw_changed_at is not null and changed_at is null then 'changed_at' end,
        case when raw_occurred_at is not null and occurred_at is null then 'occurred_at' end,
        case when raw_quantity is not null and quantity is null then 'quantity' end,
        case when raw_amount is not null and amount is null then 'amount_minor' end,
        case when raw_currency is not null and currency is null then 'currency' end,
        case when goods is not null and sku is not null and sku !~ goods then 'sku:not_a_product' end
    ], null) as bad_casts
from signed
