-- One row per identifier named in the last version of a record that its source deleted, for tonight's keys.
with

tonight as (
    select
        l.stream,
        l.record_key,
        l.raw_id,
        l.email,
        l.phone,
        upper(coalesce(btrim(l.phone_country), '')) as phone_country,
        l.ids
    from staging.last_word as l
    inner join identity.work_key as k on l.stream = k.stream and l.record_key = k.record_key
),

named as (
    select stream, record_key, raw_id, 'email' as type, email as raw_value, '' as country
    from tonight
    union all
    select stream, record_key, raw_id, 'phone', phone, phone_country
    from tonight
    union all
    select t.stream, t.record_key, t.raw_id, i.type, v.raw_value, case i.type when 'phone' then t.phone_country else '' end
    from tonight as t
    cross join lateral jsonb_each(t.ids) as i (type, found)
    cross join
        lateral jsonb_array_elements_text(
            case jsonb_typeof(i.found) when 'array' then i.found else jsonb_build_array(i.found) end
        ) as v (raw_value)
)

insert into identity.work_last_word (stream, record_key, raw_id, type, raw_value, country)
select
    stream,
    record_key,
    raw_id,
    type,
    raw_value,
    country
from named
where raw_value is not null
