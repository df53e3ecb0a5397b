-- One row per record and raw identifier. A list of ids (an account merged at its vendor) counts one by one.
with

carried as (
    select
        r.record_id,
        s.email,
        s.phone,
        upper(coalesce(btrim(s.phone_country), '')) as phone_country,
        s.ids
    from identity.work_source as s
    inner join identity.record as r on s.stream = r.stream and s.record_key = r.record_key
),

listed as (
    select
        c.record_id,
        i.type,
        v.raw_value,
        c.phone_country
    from carried as c
    cross join lateral jsonb_each(c.ids) as i (type, found)
    cross join
        lateral jsonb_array_elements_text(
            case jsonb_typeof(i.found) when 'array' then i.found else jsonb_build_array(i.found) end
        ) as v (raw_value)
    where c.ids <> '{}'
)

insert into identity.work_value (record_id, type, raw_value, country)
select record_id, 'email', email, ''
from carried
where email is not null
union all
select record_id, 'phone', phone, phone_country
from carried
where phone is not null
union all
select record_id, type, raw_value, case type when 'phone' then phone_country else '' end
from listed
where raw_value is not null
