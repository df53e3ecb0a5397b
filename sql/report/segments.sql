-- One row per segment: its newest build, if it was built since `since`; entered and left over all builds since then.
select distinct on (segment)
    segment,
    size,
    sum(entered) over (partition by segment)::bigint as entered,
    sum(left_count) over (partition by segment)::bigint as left_count,
    alert
from segment.build
where built_at >= %(since)s
order by segment asc, built_at desc
