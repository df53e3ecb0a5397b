-- One row: the plan in numbers (persons), and a hash that does not depend on order.
select
    count(*) filter (where operation = 'add' and not readdress) as adds,
    count(*) filter (where operation = 'update' or (operation = 'add' and readdress)) as updates,
    count(*) filter (where operation = 'remove' and not readdress) as removes,
    count(*) as changes,
    md5(
        count(*)::text
        || coalesce(bit_xor(
            hash_record_extended(row(operation collate "C", person_id, identifier_hash, payload_hash), 0)
        ), 0)::text
    ) as plan_hash
from pg_temp.plan_row
