-- One row per audience and reason: members of the segment of today who are kept out.
select
    audience.audience_id,
    excluded.reason,
    count(*) as people
from audience.excluded
inner join audience.audience on excluded.audience_id = audience.audience_id
inner join segment.membership as member
    on audience.segment = member.segment and excluded.person_id = member.person_id and member.left_at is null
where audience.audience_id = any(%(audience_ids)s::bigint[])
group by audience.audience_id, excluded.reason
order by audience.audience_id, excluded.reason
