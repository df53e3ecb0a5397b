-- One row: every link of the records of some persons and of some records besides, with all records of their islands, as
-- packed arrays in one order: record and identifier as big-endian 8-byte integers, and a byte that is 1 where it is dropped.
with

asked as (
    select record_id
    from identity.record
    where person_id = any(%(persons)s::uuid[])
    union
    select record_id
    from unnest(%(records)s::bigint[]) as besides (record_id)
),

member as (
    select record_id
    from asked
    union
    select island.record_id
    from identity.island
    where island.island_id in (
        select mine.island_id
        from asked
        inner join identity.island as mine on asked.record_id = mine.record_id
    )
)

select
    string_agg(int8send(edge.record_id), '') as records,
    string_agg(int8send(edge.identifier_id), '') as identifiers,
    string_agg(case when edge.dropped_reason is null then '\x00'::bytea else '\x01'::bytea end, '') as dropped
from member
inner join identity.edge on member.record_id = edge.record_id
