-- One row per record whose root was contracted into another one.
update identity.work_component as c
set root = p.parent
from identity.work_parent as p
where
    p.round = %(round)s
    and p.node = c.root
    and p.parent <> c.root
