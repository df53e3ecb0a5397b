-- One row per raw e-mail address or phone number (with its country) that was never read before.
insert into identity.work_new_value (type, raw_value, country)
select distinct
    w.type,
    w.raw_value,
    w.country
from identity.work_value as w
where
    w.type in ('email', 'phone')
    and not exists (
        select from identity.normal_form as n
        where
            n.type = w.type
            and n.raw_value = w.raw_value
            and n.country = w.country
    )
