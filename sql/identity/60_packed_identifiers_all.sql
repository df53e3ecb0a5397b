-- One row per type of identifier that a limit holds for, and million of them: all of them as a packed array of big-endian
-- 8-byte integers.
select
    type,
    string_agg(int8send(identifier_id), '') as identifiers
from identity.identifier
where case when type = any(%(named)s::text[]) then type = any(%(limited)s::text[]) else %(others)s end
group by type, identifier_id >> 20
