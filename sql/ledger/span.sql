-- One row: the lowest and the highest person of one window of the plan.
with

people as materialized (
    select plan_row.person_id
    from pg_temp.plan_row
    where plan_row.ordinal between %(first)s and %(last)s
)

select
    (select people.person_id from people order by people.person_id limit 1) as first_person,
    (select people.person_id from people order by people.person_id desc limit 1) as last_person
