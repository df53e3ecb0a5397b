-- One row per record that carries an identifier of a last word: its person's consent is answered anew.
with

said as (
    select
        w.type,
        case when w.type in ('email', 'phone') then n.value else btrim(w.raw_value, e' \t\r\n') end as value
    from identity.work_last_word as w
    left join identity.normal_form as n
        on
            w.type = n.type
            and w.raw_value = n.raw_value
            and w.country = n.country
)

insert into identity.work_touched (record_id)
select distinct e.record_id
from said as s
inner join identity.identifier as i on s.type = i.type and s.value = i.value
inner join identity.edge as e on i.identifier_id = e.identifier_id
on conflict (record_id) do nothing
