-- One row per pin, newest first: its records as stitching knows them, and what refuses it although it is in force.
select
    case pin.kind when 'merge' then 'merge pin' else 'split pin' end as kind,
    pin.pin_id as number,
    a.record_id as record_a,
    b.record_id as record_b,
    pin.stream_a,
    pin.record_key_a,
    pin.stream_b,
    pin.record_key_b,
    a.person_id as person_a,
    b.person_id as person_b,
    pin.who,
    pin.why,
    pin.created_at as decided_at,
    pin.undone_at,
    pin.undone_by,
    pin.undone_why,
    pin.settled_at,
    null::double precision as weight,
    refused.limited_type,
    refused.limit_count,
    refused.limit_per,
    refused.split_pin_id
from identity.pin
left join identity.record as a on pin.stream_a = a.stream and pin.record_key_a = a.record_key
left join identity.record as b on pin.stream_b = b.stream and pin.record_key_b = b.record_key
left join identity.refused_link as refused on refused.kind = 'pin' and pin.pin_id = refused.source_id
where pin.undone_at is null or %(undone_too)s
order by pin.pin_id desc
