-- One row per visit (site_visited, when it began) and per action of it that `events_names` names (a goal reached, a search),
-- of the newest version of each visit that landed in the given batches. Matomo tells moments in seconds since 1970 and
-- numbers as texts. An id that is the text false is none: the platform's word for "not recorded".
-- A visit the source deleted gives no row.
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
        staging.pick(n.payload, %(occurred_at)s::text[], %(occurred_at_else)s::text[]) as occurred_at,
        nullif(staging.pick(n.payload, %(email)s::text[], %(email_else)s::text[]), 'false') as email,
        nullif(staging.pick(n.payload, %(phone)s::text[], %(phone_else)s::text[]), 'false') as phone,
        staging.pick(n.payload, %(phone_country)s::text[], %(phone_country_else)s::text[]) as phone_country,
        coalesce(
            staging.pick(n.payload, %(currency)s::text[], %(currency_else)s::text[]), %(constant_currency)s::text
        ) as currency,
        staging.read_ids(n.payload, %(ids)s::jsonb) as ids,
        staging.read_properties(n.payload, %(properties)s::jsonb) as properties
    from staging.newest(%(stream)s, %(batch_ids)s::bigint[]) as n
    where lower(staging.pick(n.payload, %(deleted)s::text[], %(deleted_else)s::text[])) is distinct from 'true'
),

visit as (
    select
        p.*,
        coalesce(staging.read_epoch(p.occurred_at), staging.read_time(p.occurred_at, %(constant_timezone)s::text)) as began_at,
        coalesce(staging.read_epoch(p.changed_at), staging.read_time(p.changed_at, %(constant_timezone)s::text)) as ended_at,
        coalesce(staging.read_country(p.phone_country, %(countries)s::jsonb), %(constant_phone_country)s::text) as country,
        staging.read_currency(p.currency) as known_currency,
        known.ids as known_ids,
        jsonb_strip_nulls(jsonb_build_object(
            'duration_seconds', staging.read_number(p.payload ->> 'visitDuration'),
            'pages', staging.read_number(p.payload ->> 'actions'),
            'goals', staging.read_number(p.payload ->> 'goalConversions')
        )) || p.properties as told
    from picked as p
    cross join lateral (
        select coalesce(jsonb_object_agg(one.key, one.value), '{}') as ids
        from jsonb_each_text(p.ids) as one
        where one.value <> 'false'
    ) as known
),

action as (
    select
        v.record_key,
        a.place,
        %(events_names)s::jsonb ->> staging.pick(a.node, %(events_path)s::text[]) as name,
        a.node ->> 'timestamp' as raw_occurred_at,
        staging.read_epoch(a.node ->> 'timestamp') as occurred_at,
        a.node ->> 'revenue' as raw_amount,
        staging.read_number(a.node ->> 'revenue') as amount,
        jsonb_strip_nulls(jsonb_build_object(
            'site', v.properties -> 'site',
            'goal', a.node -> 'goalName',
            'searched', a.node -> 'siteSearchKeyword',
            'url', a.node -> 'url'
        )) as properties
    from visit as v
    cross join lateral jsonb_array_elements(
        case jsonb_typeof(v.payload -> 'actionDetails') when 'array' then v.payload -> 'actionDetails' else '[]' end
    ) with ordinality as a (node, place)
),

entry as (
    select
        record_key,
        0::bigint as place,
        'site_visited' as name,
        occurred_at as raw_occurred_at,
        began_at as occurred_at,
        null::text as raw_amount,
        null::numeric as amount,
        told as properties
    from visit
    union all
    select record_key, place, name, raw_occurred_at, occurred_at, raw_amount, amount, properties
    from action
    where name is not null
)

select
    v.stream,
    v.record_key,
    row_number() over (partition by v.record_key order by e.place)::int as entry_no,
    v.raw_id,
    v.batch_id,
    v.payload_hash,
    staging.bundle_key(v.email, v.phone, v.known_ids) as identity_key,
    v.ended_at as changed_at,
    e.name,
    e.occurred_at,
    v.email,
    v.phone,
    v.country as phone_country,
    v.known_ids as ids,
    case when e.amount is not null then staging.to_minor(e.amount, v.known_currency) end as amount_minor,
    case when e.amount is not null then v.known_currency end as currency,
    e.properties,
    array_remove(array[
        case when v.changed_at is not null and v.ended_at is null then 'changed_at' end,
        case when e.raw_occurred_at is not null and e.occurred_at is null then 'occurred_at' end,
        case when e.raw_amount is not null and e.amount is null then 'amount_minor' end,
        case when e.raw_amount is not null and v.currency is not null and v.known_currency is null then 'currency' end
    ], null) as bad_casts
from entry as e
inner join visit as v on e.record_key = v.record_key
