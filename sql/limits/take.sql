-- Up to `wanted` calls of one account, counted against every rate named; or none, and the seconds until there are some.
-- Calls of an earlier take that were not made (`unused`, of the time `unused_at`) are given back first.
with

given_back as (
    select
        ops.count_calls(
            %(account)s,
            %(rates)s::text[],
            %(most)s::int[],
            %(spans)s::float8[],
            %(unused_at)s::float8,
            -%(unused)s::int,
            %(unused_at)s::float8
        )
    where %(unused)s::int > 0
)

select
    taken.granted,
    taken.wait_seconds,
    taken.taken_at
from (select count(*) from given_back) as beforehand
cross join lateral ops.take_calls(
    %(account)s, %(rates)s::text[], %(most)s::int[], %(spans)s::float8[], %(wanted)s::int
) as taken
