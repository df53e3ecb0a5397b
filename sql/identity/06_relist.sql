-- One row per identifier whose listing changed with rules.yaml: only run when the file changed.
with

listed as (
    select
        i.identifier_id,
        min(b.reason) as reason
    from identity.identifier as i
    inner join identity.blocked_value as b
        on
            b.type in (i.type, '*')
            and ((b.kind = 'exact' and i.value = b.value) or (b.kind = 'pattern' and i.value ~ b.value))
    group by i.identifier_id
),

relisted as (
    update identity.identifier as i
    set listed_reason = l.reason
    from identity.identifier as old
    left join listed as l on old.identifier_id = l.identifier_id
    where
        i.identifier_id = old.identifier_id
        and i.listed_reason is distinct from l.reason
    returning i.identifier_id
)

insert into identity.work_identifier (identifier_id)
select identifier_id
from relisted
on conflict (identifier_id) do nothing
