-- One row per record and identifier in normal form, with one raw spelling.
with

formed as (
    select
        w.record_id,
        w.type,
        n.value,
        w.raw_value
    from identity.work_value as w
    inner join identity.normal_form as n
        on
            w.type = n.type
            and w.raw_value = n.raw_value
            and w.country = n.country
    where n.value is not null
    union all
    select
        record_id,
        type,
        btrim(raw_value, e' \t\r\n'),
        raw_value
    from identity.work_value
    where
        type not in ('email', 'phone')
        and btrim(raw_value, e' \t\r\n') <> ''
)

insert into identity.work_carried (record_id, type, value, raw_value)
select
    record_id,
    type,
    value,
    min(raw_value)
from formed
group by record_id, type, value
