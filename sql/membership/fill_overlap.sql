-- One row per unordered pair of segments, also when they share nobody. Persons are first counted by the set of
-- segments they are in, so that the pairs are made once per set, not once per person.
with

named as (
    select name as segment
    from unnest(%(segments)s::text[]) as listed (name)
),

per_person as (
    select
        person_id,
        array_agg(segment order by segment) as segments
    from segment.current
    where segment = any(%(segments)s::text[])
    group by person_id
),

per_set as (
    select
        segments,
        count(*) as persons
    from per_person
    group by segments
),

size as (
    select
        member.segment,
        sum(per_set.persons) as persons
    from per_set
    cross join lateral unnest(per_set.segments) as member (segment)
    group by member.segment
),

shared as (
    select
        a.segment as segment_a,
        b.segment as segment_b,
        sum(per_set.persons) as persons
    from per_set
    cross join lateral unnest(per_set.segments) as a (segment)
    cross join lateral unnest(per_set.segments) as b (segment)
    where a.segment < b.segment
    group by a.segment, b.segment
)

insert into segment.overlap (segment_a, segment_b, as_of, shared, size_a, size_b)
select
    a.segment as segment_a,
    b.segment as segment_b,
    %(as_of)s,
    coalesce(shared.persons, 0) as shared,
    coalesce(size_a.persons, 0) as size_a,
    coalesce(size_b.persons, 0) as size_b
from named as a
inner join named as b on a.segment < b.segment
left join shared on a.segment = shared.segment_a and b.segment = shared.segment_b
left join size as size_a on a.segment = size_a.segment
left join size as size_b on b.segment = size_b.segment
