-- One row per node of this round: its parent is its smallest neighbour, or itself when it is smaller than all. At most half
-- of the nodes stay roots, so the rounds grow with the logarithm of the nodes, not with the length of chains.
with

neighbour as (
    select a as node, b as other from identity.work_pair
    where round = %(round)s
    union all
    select b, a from identity.work_pair
    where round = %(round)s
)

insert into identity.work_parent (round, node, parent)
select
    %(round)s,
    node,
    least(node, min(other))
from neighbour
group by node
