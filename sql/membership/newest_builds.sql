-- One row per segment: its newest build.
select distinct on (segment)
    segment,
    version,
    as_of,
    built_at,
    size,
    entered,
    left_count as "left",
    alert
from segment.build
order by segment asc, built_at desc
