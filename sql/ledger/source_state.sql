-- The newest build of a segment, with the size of the last build of an earlier day; no row when it was never built.
with

newest as (
    select
        build.size,
        build.built_at,
        build.alert,
        build.as_of
    from segment.build
    where build.segment = %(segment)s
    order by build.built_at desc, build.build_id desc
    limit 1
)

select
    newest.size,
    newest.built_at,
    newest.alert,
    (
        select build.size
        from segment.build
        where build.segment = %(segment)s and build.as_of < newest.as_of
        order by build.built_at desc, build.build_id desc
        limit 1
    ) as size_before
from newest
