-- One row per reason: members of the audience's segment of today who are kept out.
select
    excluded.reason,
    count(*) as people
from audience.audience
inner join audience.excluded on audience.audience_id = excluded.audience_id
inner join segment.membership as member
    on audience.segment = member.segment and excluded.person_id = member.person_id and member.left_at is null
where audience.audience_id = %(audience_id)s
group by excluded.reason
order by excluded.reason
