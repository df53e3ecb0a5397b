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
        -- most files name a person by one id: no list to walk through, line by line
        (select min(id.key) from jsonb_object_keys(one.value -> 'ids') as id (key) having count(*) = 1) as id_type,
        (
            select string_to_array(min(id.value), e'\x1f')
            from jsonb_each_text(one.value -> 'ids') as id
            having count(*) = 1
        ) as id_path,
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

-- `offset 0` keeps a step a step of its own: what it computes is computed once a row, and no row is stored on the way.
parsed as (
    select
        stream,
        record_key,
        raw_id,
        batch_id,
        payload_hash,
        payload::jsonb as payload
    from newest
    offset 0
),

picked as (
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
        case
            when m.id_path is null then staging.read_ids(n.payload, m.ids)
            when staging.pick(n.payload, m.id_path) is null then '{}'
            else jsonb_build_object(m.id_type, staging.pick(n.payload, m.id_path))
        end as ids,
        coalesce(staging.pick(n.payload, m.returns_path) ~ m.returns_pattern, false) as is_return,
        n.payload ->> '_error' as line_error,
        m.goods,
        m.countries,
        m.constant_timezone,
        m.constant_date_order,
        m.constant_decimal,
        m.constant_currency,
        m.constant_country,
        m.constant_phone_country
    from parsed as n
    left join mapping as m on m.name = n.payload ->> '_mapping'
    where not n.payload ? '_deleted'  -- a line that left its file gives no row: publishing takes its entry away
    offset 0
),

cast_row as (
    select
        stream,
        record_key,
        raw_id,
        batch_id,
        payload_hash,
        staging.read_time(changed_at, constant_timezone, constant_date_order) as changed_at,
        changed_at as raw_changed_at,
        nullif(order_key, '') as order_key,
        is_return,
        staging.read_time(occurred_at, constant_timezone, constant_date_order) as occurred_at,
        occurred_at as raw_occurred_at,
        email,
        phone,
        coalesce(staging.read_country(phone_country, countries), constant_phone_country) as phone_country,
        ids,
        sku,
        goods,
        title,
        staging.read_number(quantity, constant_decimal) as quantity,
        quantity as raw_quantity,
        staging.read_number(coalesce(amount, unit_price), constant_decimal) as price,
        amount is null as is_unit_price,
        coalesce(amount, unit_price) as raw_amount,
        staging.read_currency(coalesce(currency, constant_currency)) as currency,
        coalesce(currency, constant_currency) as raw_currency,
        case
            when country is null then constant_country
            when countries ? lower(country) then countries ->> lower(country)
            when country ~ '^[A-Za-z]{2}$' then upper(country)
            else country
        end as country,
        constant_timezone,
        line_error
    from picked
    offset 0
),

priced as (
    select
        stream,
        record_key,
        raw_id,
        batch_id,
        payload_hash,
        changed_at,
        raw_changed_at,
        order_key,
        is_return,
        occurred_at,
        raw_occurred_at,
        occurred_at at time zone constant_timezone as local_at,
        email,
        phone,
        phone_country,
        ids,
        sku,
        goods,
        title,
        quantity,
        raw_quantity,
        case when is_unit_price then price * quantity else price end as amount,
        raw_amount,
        currency,
        raw_currency,
        country,
        line_error
    from cast_row
    offset 0
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
        local_at,
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
        line_error
    from priced
    offset 0
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
    case when strpos(raw_occurred_at, ':') > 0 then extract(hour from local_at)::int end as local_hour,
    extract(isodow from local_at)::int as local_weekday,
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
