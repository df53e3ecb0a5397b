-- One row: how many persons the platform holds by what it acknowledged.
select count(distinct member.person_id) as size
from audience.member
where member.audience_id = %(audience_id)s and member.acknowledged = 'present'
