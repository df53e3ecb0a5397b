-- One row per pin in force.
select
    pin_id,
    kind,
    stream_a,
    record_key_a,
    stream_b,
    record_key_b,
    who,
    why,
    created_at
from identity.pin
where undone_at is null
order by pin_id
