-- One row per record of a pin or an accepted proposal that is new or was taken back since the last run.
with

pins as (
    update identity.pin
    set settled_at = %(at)s
    where settled_at is null
    returning stream_a, record_key_a, stream_b, record_key_b
),

links as (
    update identity.link
    set settled_at = %(at)s
    where settled_at is null
    returning stream_a, record_key_a, stream_b, record_key_b
),

named as (
    select stream_a as stream, record_key_a as record_key from pins
    union
    select stream_b, record_key_b from pins
    union
    select stream_a, record_key_a from links
    union
    select stream_b, record_key_b from links
)

insert into identity.work_touched (record_id)
select r.record_id
from named as n
inner join identity.record as r on n.stream = r.stream and n.record_key = r.record_key
on conflict (record_id) do nothing
