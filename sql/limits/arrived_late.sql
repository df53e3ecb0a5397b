-- A call that may have reached the platform `late` seconds after it was taken counts from then on.
select
    ops.count_calls(
        %(account)s, %(rates)s::text[], %(most)s::int[], %(spans)s::float8[], %(at)s::float8, -1, %(at)s::float8
    ),
    ops.count_calls(
        %(account)s,
        %(rates)s::text[],
        %(most)s::int[],
        %(spans)s::float8[],
        %(at)s::float8 + %(late)s::float8,
        1,
        %(at)s::float8
    )
