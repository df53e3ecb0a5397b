-- One row per staging row whose record is replaced by the candidate's version: all entries of the record go.
delete from published as p
using (select distinct record_key from candidate) as c
where p.record_key = c.record_key
