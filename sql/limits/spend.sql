-- Spends points of an account, or tells the seconds until there are enough.
select spent.wait_seconds
from ops.spend_points(%(account)s, %(cost)s::float8) as spent
