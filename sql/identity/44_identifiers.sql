-- One row per identifier never seen before, with the list or pattern of rules.yaml that names it.
with

fresh as (
    select distinct
        w.type,
        w.value
    from identity.work_carried as w
    where not exists (
        select from identity.identifier as i
        where
            i.type = w.type
            and i.value = w.value
    )
)

insert into identity.identifier (type, value, listed_reason)
select
    f.type,
    f.value,
    (
        select min(b.reason)
        from identity.blocked_value as b
        where
            b.type in (f.type, '*')
            and ((b.kind = 'exact' and b.value = f.value) or (b.kind = 'pattern' and f.value ~ b.value))
    )
from fresh as f
