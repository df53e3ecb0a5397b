-- One row per type of identifier that a limit holds for (and per million of them): its identifiers in scope as a packed array
-- of big-endian 8-byte integers, and the least number of values that may break the limit.
select
    i.type,
    min(l.least_count) as least_count,
    string_agg(int8send(i.identifier_id), '') as identifiers
from identity.identifier as i
inner join lateral (
    select min((one ->> 'count')::int) as least_count
    from identity.identifier_rule as r
    cross join lateral jsonb_array_elements(r.limits) as one
    where r.type = case
        when exists (select from identity.identifier_rule as named where named.type = i.type) then i.type
        else '*'
    end
) as l on l.least_count is not null
where i.blocked_reason is null
group by i.type, i.identifier_id >> 20
