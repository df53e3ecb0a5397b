-- One row per person record of tonight's keys that its source still has. First seen: when the vendor made it; a source
-- that does not say: when it was first landed.
insert into identity.work_source
(shape, stream, record_key, first_seen_at, name_key, email, phone, phone_country, ids)
select
    'person',
    p.stream,
    p.record_key,
    coalesce(
        p.created_at,
        (
            select min(r.landed_at) from raw.record as r
            where r.stream = p.stream and r.record_key = p.record_key
        ),
        p.published_at
    ),
    nullif(lower(btrim(concat_ws(' ', p.first_name, p.last_name))), ''),
    p.email,
    p.phone,
    p.phone_country,
    p.ids
from identity.work_key as k
inner join staging.person_record as p on k.stream = p.stream and k.record_key = p.record_key
where not p.deleted
