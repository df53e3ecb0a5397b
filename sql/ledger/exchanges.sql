-- The calls that served one batch, in their order. Bodies are masked.
select
    at,
    method,
    path,
    status,
    milliseconds,
    request_bytes,
    answer_bytes,
    request_id,
    request,
    answer
from audience.exchange
where batch_id = %(batch_id)s
order by at, exchange_id
