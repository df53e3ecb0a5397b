-- One row per record that tonight's keys have, or had until now.
insert into identity.work_touched (record_id)
select r.record_id
from identity.work_source as s
inner join identity.record as r on s.stream = r.stream and s.record_key = r.record_key
union
select r.record_id
from identity.work_key as k
inner join identity.record as r on k.stream = r.stream and k.record_key = r.record_key
where r.shape = 'person'
union
select b.record_id
from identity.work_key as k
inner join identity.bundle_row as b on k.stream = b.stream and k.record_key = b.source_key
