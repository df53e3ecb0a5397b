-- A call that was taken behind the last pause has been answered: the platform takes calls again, so the refusals before it and
-- those after it are not in a row, and the next pause without a time is a short one. One row: how many rates that was so for.
with

went_on as (
    update ops.rate_limit
    set told = 0
    where
        account = %(account)s
        and rate = any(%(rates)s::text[])
        and extract(epoch from paused_until) < %(at)s::float8
    returning rate
)

select count(*) as rates
from went_on
