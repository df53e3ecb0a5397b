-- One row: the version a segment was last built with. No row when it was never built.
select version
from segment.build
where segment = %(segment)s
order by built_at desc
limit 1
