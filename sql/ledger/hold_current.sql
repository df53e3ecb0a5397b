-- The hold that speaks for an audience: open, approved, or the newest answer "no".
select
    hold_id,
    state,
    removals,
    since
from audience.hold
where audience_id = %(audience_id)s and state in ('open', 'approved', 'rejected')
order by hold_id desc
limit 1
