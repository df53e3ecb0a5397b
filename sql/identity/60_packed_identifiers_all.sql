-- One row per type of identifier, and million of them: all of them as a packed array of big-endian 8-byte integers.
select
    type,
    string_agg(int8send(identifier_id), '') as identifiers
from identity.identifier
group by type, identifier_id >> 20
