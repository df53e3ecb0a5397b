-- One row: the lowest and the highest person of one window of a plan that is in the order of persons (see `ranges`).
select
    (
        select plan_row.person_id
        from pg_temp.plan_row
        where plan_row.ordinal >= %(first)s
        order by plan_row.ordinal
        limit 1
    ) as first_person,
    (
        select plan_row.person_id
        from pg_temp.plan_row
        where plan_row.ordinal <= %(last)s
        order by plan_row.ordinal desc
        limit 1
    ) as last_person
