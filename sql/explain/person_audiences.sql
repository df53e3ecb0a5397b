-- One row per destination that holds, or held, the person under today's id or a former one: in how many audiences.
select
    audience.destination,
    count(distinct member.audience_id) filter (where member.acknowledged = 'present') as present_in,
    count(distinct member.audience_id) filter (where member.acknowledged is distinct from 'present') as absent_from
from audience.member
inner join audience.audience on member.audience_id = audience.audience_id
where member.person_id = any(%(ids)s::uuid[])
group by audience.destination
order by audience.destination
