-- One row per type of identifier that a limit holds for, and million of them: those asked for as a packed array of big-endian
-- 8-byte integers.
select
    i.type,
    string_agg(int8send(i.identifier_id), '') as identifiers
from unnest(%(identifiers)s::bigint[]) as l (identifier_id)
inner join identity.identifier as i on l.identifier_id = i.identifier_id
where case when i.type = any(%(named)s::text[]) then i.type = any(%(limited)s::text[]) else %(others)s end
group by i.type, i.identifier_id >> 20
