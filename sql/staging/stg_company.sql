-- One row per company of any source whose records one mapping describes: the newest version that landed in the given
-- batches. A company the source deleted gives no row.
with

picked as materialized (
    select
        n.stream,
        n.record_key,
        n.raw_id,
        n.batch_id,
        n.payload_hash,
        staging.pick(n.payload, %(created_at)s::text[], %(created_at_else)s::text[]) as created_at,
        staging.pick(n.payload, %(changed_at)s::text[], %(changed_at_else)s::text[]) as changed_at,
        lower(staging.pick(n.payload, %(deleted)s::text[], %(deleted_else)s::text[])) as deleted,
        staging.pick(n.payload, %(name)s::text[], %(name_else)s::text[]) as name,
        -- of an address of a page only the host
        nullif(regexp_replace(
            lower(staging.pick(n.payload, %(domain)s::text[], %(domain_else)s::text[])),
            '^([a-z][a-z0-9+.-]*://)?(www\.)?([^/?#:]*).*$', '\3'
        ), '') as domain,
        staging.pick(n.payload, %(phone)s::text[], %(phone_else)s::text[]) as phone,
        staging.pick(n.payload, %(industry)s::text[], %(industry_else)s::text[]) as industry,
        staging.pick(n.payload, %(employees)s::text[], %(employees_else)s::text[]) as employees,
        staging.pick(n.payload, %(revenue)s::text[], %(revenue_else)s::text[]) as revenue,
        coalesce(
            staging.pick(n.payload, %(currency)s::text[], %(currency_else)s::text[]), %(constant_currency)s::text
        ) as currency,
        staging.pick(n.payload, %(country)s::text[], %(country_else)s::text[]) as country,
        staging.pick(n.payload, %(region)s::text[], %(region_else)s::text[]) as region,
        staging.pick(n.payload, %(city)s::text[], %(city_else)s::text[]) as city,
        staging.pick(n.payload, %(postcode)s::text[], %(postcode_else)s::text[]) as postcode,
        staging.read_ids(n.payload, %(ids)s::jsonb) as ids
    from staging.newest(%(stream)s, %(batch_ids)s::bigint[]) as n
),

cast_row as (
    select
        *,
        staging.read_time(created_at, %(constant_timezone)s::text, %(constant_date_order)s::text) as created,
        staging.read_time(changed_at, %(constant_timezone)s::text, %(constant_date_order)s::text) as changed,
        staging.read_number(employees, %(constant_decimal)s::text) as employee_count,
        staging.read_number(revenue, %(constant_decimal)s::text) as revenue_amount,
        staging.read_currency(currency) as read_currency
    from picked
    where not coalesce(deleted in ('true', 't', '1', 'yes', 'archived', 'deleted'), false)
)

select
    stream,
    record_key,
    raw_id,
    batch_id,
    payload_hash,
    created as created_at,
    changed as changed_at,
    name,
    domain,
    phone,
    industry,
    case when abs(employee_count) < 1e12 then round(employee_count)::bigint end as employees,
    staging.to_minor(revenue_amount, read_currency) as revenue_minor,
    read_currency as currency,
    coalesce(staging.read_country(country, %(countries)s::jsonb), country, %(constant_country)s::text) as country,
    region,
    city,
    postcode,
    ids,
    array_remove(array[
        case when created_at is not null and created is null then 'created_at' end,
        case when changed_at is not null and changed is null then 'changed_at' end,
        case when employees is not null and employee_count is null then 'employees' end,
        case when revenue is not null and revenue_amount is null then 'revenue_minor' end,
        case when currency is not null and read_currency is null then 'currency' end
    ], null) as bad_casts
from cast_row
