-- One row: the versions that landed in the batches before the one in which their source deleted the record.
select coalesce(array_agg(r.raw_id), '{}') as raw_ids
from checking.deletion as d
inner join raw.record as r on d.stream = r.stream and d.record_key = r.record_key
where
    d.stream = %(stream)s
    and r.stream = %(stream)s
    and r.batch_id = any(%(batch_ids)s)
    and r.raw_id < d.raw_id
