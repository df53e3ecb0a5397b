-- One row: how many persons the platform holds by what it acknowledged.
select count(*) as size
from (
    select distinct member.person_id
    from audience.member
    where member.audience_id = %(audience_id)s and member.acknowledged = 'present'
) as held
