-- The newest build of a segment; no row when it was never built.
select
    build.size,
    build.built_at,
    build.alert
from segment.build
where build.segment = %(segment)s
order by build.built_at desc, build.build_id desc
limit 1
