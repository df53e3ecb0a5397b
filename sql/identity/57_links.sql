-- One row per standing pin that merges two live records in scope, or accepted proposal about them, in the order they are met:
-- the oldest pin first, the heaviest proposal first.
with

decided as (
    select
        'pin' as kind,
        pin_id as source_id,
        stream_a,
        record_key_a,
        stream_b,
        record_key_b,
        created_at as met_by,
        null::double precision as weight
    from identity.pin
    where kind = 'merge' and undone_at is null
    union all
    select
        'link',
        link_id,
        stream_a,
        record_key_a,
        stream_b,
        record_key_b,
        null,
        weight
    from identity.link
    where withdrawn_at is null
)

insert into identity.work_link (kind, source_id, record_id, other_record_id, place)
select
    d.kind,
    d.source_id,
    a.record_id,
    b.record_id as other_record_id,
    row_number() over (
        order by
            d.met_by,
            case d.kind when 'pin' then d.source_id end,
            d.weight desc,
            a.own_person_id,
            b.own_person_id
    )
from decided as d
inner join identity.record as a on d.stream_a = a.stream and d.record_key_a = a.record_key
inner join identity.record as b on d.stream_b = b.stream and d.record_key_b = b.record_key
inner join identity.work_scope as sa on a.record_id = sa.record_id
inner join identity.work_scope as sb on b.record_id = sb.record_id
where
    a.withdrawn_at is null
    and b.withdrawn_at is null
