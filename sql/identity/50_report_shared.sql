-- One row per value found to be shared: the table of blocked values is made equal to the identifiers.
with

gone as (
    delete from identity.blocked_value as b
    using identity.work_identifier as w, identity.identifier as i
    where
        i.identifier_id = w.identifier_id
        and b.kind = 'shared'
        and b.type = i.type
        and b.value = i.value
        and i.blocked_reason is distinct from 'shared by too many'
    returning b.type
)

insert into identity.blocked_value (type, kind, value, reason)
select
    i.type,
    'shared',
    i.value,
    i.blocked_reason
from identity.work_identifier as w
inner join identity.identifier as i on w.identifier_id = i.identifier_id
where i.blocked_reason = 'shared by too many'
on conflict (type, kind, value) do nothing
