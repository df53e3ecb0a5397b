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
            n.type = w.type
            and n.raw_value = w.raw_value
            and n.country = w.country
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
