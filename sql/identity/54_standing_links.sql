-- One row per standing pin that merges, or accepted proposal, of a record looked at: its other record is a neighbour.
with

named as (
    select
        r.record_id,
        r.stream,
        r.record_key
    from identity.work_touched as t
    inner join identity.record as r on t.record_id = r.record_id
),

pair as (
    select n.record_id, p.stream_b as stream, p.record_key_b as record_key
    from named as n
    inner join identity.pin as p on n.stream = p.stream_a and n.record_key = p.record_key_a
    where p.kind = 'merge' and p.undone_at is null
    union
    select n.record_id, p.stream_a, p.record_key_a
    from named as n
    inner join identity.pin as p on n.stream = p.stream_b and n.record_key = p.record_key_b
    where p.kind = 'merge' and p.undone_at is null
    union
    select n.record_id, l.stream_b, l.record_key_b
    from named as n
    inner join identity.link as l on n.stream = l.stream_a and n.record_key = l.record_key_a
    where l.withdrawn_at is null
    union
    select n.record_id, l.stream_a, l.record_key_a
    from named as n
    inner join identity.link as l on n.stream = l.stream_b and n.record_key = l.record_key_b
    where l.withdrawn_at is null
)

insert into identity.work_link (kind, source_id, record_id, other_record_id, place)
select
    'neighbour',
    0 as source_id,
    p.record_id,
    r.record_id as other_record_id,
    0 as place
from pair as p
inner join identity.record as r on p.stream = r.stream and p.record_key = r.record_key
where r.withdrawn_at is null
