-- One row per record that tonight's keys have, or had until now.
insert into identity.work_touched (record_id)
select r.record_id
from identity.work_source as s
inner join identity.record as r on r.stream = s.stream and r.record_key = s.record_key
union
select r.record_id
from identity.work_key as k
inner join identity.record as r on r.stream = k.stream and r.record_key = k.record_key
where r.shape = 'person'
union
select b.record_id
from identity.work_key as k
inner join identity.bundle_row as b on b.stream = k.stream and b.source_key = k.record_key
