-- One measure of how many of an audience's people the platform knows. An audience that holds nobody has no rate.
insert into audience.match_rate (audience_id, sync_id, identifier, sent, matched_low, matched_high, measured_at)
select
    %(audience_id)s,
    %(sync_id)s,
    %(identifier)s,
    counted.sent,
    %(matched_low)s,
    %(matched_high)s,
    %(at)s
from (
    select
        coalesce(%(sent)s::bigint, (
            select count(distinct member.person_id)
            from audience.member
            where member.audience_id = %(audience_id)s and member.acknowledged = 'present'
        )) as sent
) as counted
where counted.sent > 0
