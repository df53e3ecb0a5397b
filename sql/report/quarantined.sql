-- One row per stream and rule: rows set aside since `since`, and how many of all times still wait.
select
    stream,
    rule,
    count(*) filter (where quarantined_at >= %(since)s) as fresh,
    count(*) filter (where state = 'held') as held
from ops.quarantine
group by stream, rule
having count(*) filter (where quarantined_at >= %(since)s or state = 'held') > 0
order by stream, rule
