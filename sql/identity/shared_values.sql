-- One row per value found to be shared, with how many live records carry it, the most carried first.
select
    i.type,
    i.value,
    count(*) as carriers
from identity.identifier as i
inner join identity.edge as e on i.identifier_id = e.identifier_id
inner join identity.record as r on e.record_id = r.record_id
where
    i.blocked_reason = 'shared by too many'
    and r.withdrawn_at is null
group by i.identifier_id
order by carriers desc, i.type, i.value
