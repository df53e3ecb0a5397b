-- The moment of this build: now, and in any case after the segment's newest build, also when the clock was set back.
-- With it, the newest day the segment was built for.
select
    greatest(now(), max(built_at) + interval '1 microsecond') as at,
    max(as_of) as newest_as_of
from segment.build
where segment = %(segment)s
