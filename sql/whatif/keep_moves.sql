-- One row per person before and person after that have records in common. For the length of the transaction.
create temporary table whatif_move on commit drop as
select
    before.person_id as was,
    record.person_id as becomes,
    count(*) as records
from pg_temp.whatif_before as before
inner join identity.record on before.record_id = record.record_id
where record.person_id is not null
group by before.person_id, record.person_id
