-- One row per pair of roots that are still linked: the graph of the next round.
insert into identity.work_pair (round, a, b)
select distinct
    %(round)s + 1,
    least(one.parent, two.parent),
    greatest(one.parent, two.parent)
from identity.work_pair as e
inner join identity.work_parent as one on e.round = one.round and e.a = one.node
inner join identity.work_parent as two on e.round = two.round and e.b = two.node
where
    e.round = %(round)s
    and one.parent <> two.parent
