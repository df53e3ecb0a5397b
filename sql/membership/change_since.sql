-- One row: how many persons were in the segment at its last build of an earlier day, and how many of those or of
-- today's are not in both. No row before the first such build. Comparing days makes a repeated build of one day
-- give the same answer.
with

baseline as (
    select
        built_at,
        size
    from segment.build
    where segment = %(segment)s and as_of < %(as_of)s
    order by built_at desc
    limit 1
),

earlier as (
    select stay.person_id
    from baseline
    inner join segment.membership as stay
        on
            stay.segment = %(segment)s
            and baseline.built_at >= stay.entered_at
            and (stay.left_at is null or baseline.built_at < stay.left_at)
),

today as (
    select person_id
    from segment.current
    where segment = %(segment)s
),

changed as (
    select count(*) as persons
    from earlier
    full outer join today on earlier.person_id = today.person_id
    where earlier.person_id is null or today.person_id is null
)

select
    baseline.size,
    changed.persons as changed
from baseline
cross join changed
