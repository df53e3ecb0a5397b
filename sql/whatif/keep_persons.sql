-- One row per record: its person before the other rules. For the length of the transaction.
create temporary table whatif_before on commit drop as
select
    record_id,
    person_id
from identity.record
where person_id is not null
