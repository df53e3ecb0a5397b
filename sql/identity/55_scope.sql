-- One row per record whose person may change: the records looked at, all records of the persons they belonged to, and all
-- records of the persons they now share a value with. One step is enough: persons that nobody touched share nothing.
with

neighbour as (
    select
        t.record_id,
        r.person_id
    from identity.work_touched as t
    inner join identity.record as r on t.record_id = r.record_id
    union
    select
        theirs.record_id,
        r.person_id
    from identity.work_touched as t
    inner join identity.edge as ours on t.record_id = ours.record_id and ours.dropped_reason is null
    inner join identity.edge as theirs
        on ours.identifier_id = theirs.identifier_id and theirs.dropped_reason is null
    inner join identity.record as r on theirs.record_id = r.record_id
),

person as (
    select distinct person_id
    from neighbour
    where person_id is not null
)

insert into identity.work_scope (record_id, former_person_id)
select
    record_id,
    person_id
from neighbour
union
select
    r.record_id,
    r.person_id
from person as p
inner join identity.record as r on p.person_id = r.person_id
