-- One row per identifier that joins nobody from now on, or joins again. Shared: carried by more than shared_above live
-- records of different people. Records of one name count once, a record without a name counts by itself; and because test
-- accounts share a name, more than that many different vendor ids of one type beside the value block it too. A thing that
-- people use (a type with users_above: a browser) joins nobody when more than so many different values of one type that names
-- persons stand beside it; values that a list names are nobody's. Counted over all records as they are today, so neither the
-- order of loading nor the split into loads matters.
with

counted as (
    select
        e.identifier_id,
        count(*) as carriers
    from identity.work_identifier as w
    inner join identity.edge as e on w.identifier_id = e.identifier_id
    inner join identity.record as r on e.record_id = r.record_id
    where r.withdrawn_at is null
    group by e.identifier_id
    having count(*) > %(shared_above)s
),

names as (
    select
        c.identifier_id,
        count(distinct coalesce(r.name_key, r.record_id::text)) as people
    from counted as c
    inner join identity.edge as e on c.identifier_id = e.identifier_id
    inner join identity.record as r on e.record_id = r.record_id
    where r.withdrawn_at is null
    group by c.identifier_id
),

accounts as (
    select
        c.identifier_id,
        count(distinct beside.identifier_id) as people
    from counted as c
    inner join identity.edge as e on c.identifier_id = e.identifier_id
    inner join identity.record as r on e.record_id = r.record_id and r.withdrawn_at is null
    inner join identity.edge as beside on e.record_id = beside.record_id
    inner join identity.identifier as i on beside.identifier_id = i.identifier_id
    where i.type not in ('email', 'phone')
    group by c.identifier_id, i.type
),

shared as (
    select identifier_id from names
    where people > %(shared_above)s
    union
    select identifier_id from accounts
    where people > %(shared_above)s
),

used_by_type as (
    select w.identifier_id
    from identity.work_identifier as w
    inner join identity.identifier as i on w.identifier_id = i.identifier_id
    inner join identity.identifier_rule as thing on i.type = thing.type and thing.users_above is not null
    inner join identity.edge as e on w.identifier_id = e.identifier_id
    inner join identity.record as r on e.record_id = r.record_id and r.withdrawn_at is null
    inner join identity.edge as beside on e.record_id = beside.record_id
    inner join identity.identifier as who on beside.identifier_id = who.identifier_id and who.listed_reason is null
    left join identity.identifier_rule as rule on who.type = rule.type
    where rule.users_above is null
    group by w.identifier_id, thing.users_above, who.type
    having count(distinct beside.identifier_id) > thing.users_above
),

used as (
    select distinct identifier_id from used_by_type
),

wanted as (
    select
        i.identifier_id,
        coalesce(
            i.listed_reason,
            case
                when s.identifier_id is not null then 'shared by too many'
                when u.identifier_id is not null then 'several people use it'
            end
        ) as reason
    from identity.work_identifier as w
    inner join identity.identifier as i on w.identifier_id = i.identifier_id
    left join shared as s on w.identifier_id = s.identifier_id
    left join used as u on w.identifier_id = u.identifier_id
),

changed as (
    update identity.identifier as i
    set blocked_reason = w.reason
    from wanted as w
    where
        i.identifier_id = w.identifier_id
        and i.blocked_reason is distinct from w.reason
    returning i.identifier_id
),

touched as (
    select distinct e.record_id
    from changed as c
    inner join identity.edge as e on c.identifier_id = e.identifier_id
)

insert into identity.work_touched (record_id)
select record_id
from touched
on conflict (record_id) do nothing
