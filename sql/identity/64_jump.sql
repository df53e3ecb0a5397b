-- One row per node that is not yet at its root: point to the parent's parent. Repeated until none is left; halves
-- the way each time.
update identity.work_parent as p
set parent = up.parent
from identity.work_parent as up
where
    p.round = %(round)s
    and up.round = p.round
    and up.node = p.parent
    and up.parent <> p.parent
