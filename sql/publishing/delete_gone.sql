-- One row per staging row whose record the source deleted.
delete from published as p
using checking.deletion as d
where
    d.stream = %(stream)s
    and p.record_key = d.record_key
returning p.record_key, d.batch_id
