-- How many of an account's connections this process holds from now on, and whether others wait for some.
select
    leased.held,
    leased.others_wait
from ops.lease_connections(
    %(account)s, %(holder)s, %(most)s::int, %(in_use)s::int, %(wanted)s::int, %(seconds)s::float8
) as leased
