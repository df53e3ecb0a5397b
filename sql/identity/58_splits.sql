-- One row per standing pin that parts two live records in scope.
insert into identity.work_split (pin_id, record_id, other_record_id)
select
    p.pin_id,
    a.record_id,
    b.record_id as other_record_id
from identity.pin as p
inner join identity.record as a on p.stream_a = a.stream and p.record_key_a = a.record_key
inner join identity.record as b on p.stream_b = b.stream and p.record_key_b = b.record_key
inner join identity.work_scope as sa on a.record_id = sa.record_id
inner join identity.work_scope as sb on b.record_id = sb.record_id
where
    p.kind = 'split'
    and p.undone_at is null
    and a.withdrawn_at is null
    and b.withdrawn_at is null
