-- Open holds that nobody is asked about yet, or not since so many hours (the question was left unanswered or its run is
-- gone), now asked about by this run. A second try of the run finds the same ones.
update audience.hold
set asked_in = %(run)s, asked_at = case when hold.asked_in = %(run)s then hold.asked_at else %(at)s end
from audience.audience
where
    hold.audience_id = audience.audience_id
    and hold.state = 'open'
    and (
        hold.asked_in is null
        or hold.asked_in = %(run)s
        or hold.asked_at < %(at)s - make_interval(hours => %(hours)s)
    )
returning hold.hold_id
