-- One row per record and type of identifier that has a raw value without a normal form.
with

refused as (
    select
        w.record_id,
        w.type,
        n.reason
    from identity.work_value as w
    inner join identity.normal_form as n
        on
            w.type = n.type
            and w.raw_value = n.raw_value
            and w.country = n.country
    where n.reason is not null
    union all
    select
        record_id,
        type,
        'empty'
    from identity.work_value
    where
        type not in ('email', 'phone')
        and btrim(raw_value, e' \t\r\n') = ''
)

insert into identity.unusable_value (record_id, type, reason)
select
    record_id,
    type,
    min(reason)
from refused
group by record_id, type
