-- One row per record whose person may change: the records looked at and those they now share a value or a decision with,
-- all records of the persons of these, and of their islands. One step is enough: an island that nobody touched, or a person
-- outside all islands, shares nothing with the rest.
with

sharing as (
    select record_id from identity.work_touched
    union
    select theirs.record_id
    from identity.work_touched as t
    inner join identity.edge as ours on t.record_id = ours.record_id and (ours.dropped_reason is null or ours.refused)
    inner join identity.edge as theirs
        on ours.identifier_id = theirs.identifier_id and (theirs.dropped_reason is null or theirs.refused)
    union
    select other_record_id from identity.work_link
),

neighbour as materialized (
    select
        r.record_id,
        r.person_id
    from sharing as s
    inner join identity.record as r on s.record_id = r.record_id
),

person as (
    select distinct person_id
    from neighbour
    where person_id is not null
),

island as (
    select distinct i.island_id
    from neighbour as n
    inner join identity.island as i on n.record_id = i.record_id
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
union
select
    r.record_id,
    r.person_id
from island as i
inner join identity.island as m on i.island_id = m.island_id
inner join identity.record as r on m.record_id = r.record_id
