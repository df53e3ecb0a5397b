-- One row per raw e-mail address or phone number (with its country) that was never read before.
with

given as (
    select type, raw_value, country
    from identity.work_value
    where type in ('email', 'phone')
    union
    select type, raw_value, country
    from identity.work_last_word
    where type in ('email', 'phone')
)

insert into identity.work_new_value (type, raw_value, country)
select
    g.type,
    g.raw_value,
    g.country
from given as g
where not exists (
    select from identity.normal_form as n
    where
        n.type = g.type
        and n.raw_value = g.raw_value
        and n.country = g.country
)
