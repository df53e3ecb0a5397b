-- One row per link that is dropped before the other rules, with the reason. For the length of the transaction.
create temporary table whatif_dropped on commit drop as
select
    record_id,
    identifier_id,
    dropped_reason
from identity.edge
where dropped_reason is not null
