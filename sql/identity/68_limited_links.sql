-- One row per million links of the components that are stitched link by link, packed in the order in which they are met: first
-- those of records that a merge pin names, then by priority of their type, then the older record's first. Ties are broken by
-- what the sources say, never by the order of loading. A value was first seen with the oldest record that carries it.
with

pinned as (
    select record_id from identity.work_link
    where kind = 'pin'
    union
    select other_record_id from identity.work_link
    where kind = 'pin'
),

link as (
    select
        e.record_id,
        e.identifier_id,
        i.type,
        i.value,
        r.first_seen_at,
        r.own_person_id,
        coalesce(own.priority, other.priority, 1000000) as priority,
        m.record_id in (select p.record_id from pinned as p) as is_pinned,
        min(r.first_seen_at) over (partition by e.identifier_id) as value_seen_at
    from identity.work_limited as m
    inner join identity.record as r on m.record_id = r.record_id
    inner join identity.edge as e on m.record_id = e.record_id
    inner join identity.identifier as i on e.identifier_id = i.identifier_id
    left join identity.identifier_rule as own on i.type = own.type
    left join identity.identifier_rule as other on other.type = '*'
    where e.dropped_reason is null or e.refused
),

kind as (
    select
        type,
        row_number() over (order by min(priority), type collate "C") as number
    from link
    group by type
),

met as (
    select
        l.record_id,
        l.identifier_id,
        k.number,
        l.value_seen_at,
        l.is_pinned,
        row_number() over (
            order by
                l.is_pinned desc,
                l.priority,
                l.first_seen_at,
                l.own_person_id,
                l.type collate "C",
                l.value collate "C"
        ) as place
    from link as l
    inner join kind as k on l.type = k.type
)

select
    (select array_agg(k.type order by k.number) from kind as k) as types,
    string_agg(int8send(record_id), '' order by place) as records,
    string_agg(int8send(identifier_id), '' order by place) as identifiers,
    string_agg(int8send(number - 1), '' order by place) as kinds,
    string_agg(timestamptz_send(value_seen_at), '' order by place) as seen,
    string_agg(int8send(is_pinned::int), '' order by place) as pinned
from met
group by place >> 20
order by min(place)
