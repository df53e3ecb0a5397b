-- One row per type of identifier, and million of them: those asked for as a packed array of big-endian 8-byte integers.
select
    i.type,
    string_agg(int8send(i.identifier_id), '') as identifiers
from unnest(%(identifiers)s::bigint[]) as l (identifier_id)
inner join identity.identifier as i on l.identifier_id = i.identifier_id
group by i.type, i.identifier_id >> 20
