-- One row: how many persons there are before and after, how many would join into how many, how many would part into how many,
-- how many of them do both, and how many records would be another person's.
with

joining as (
    select
        becomes,
        count(*) as persons
    from pg_temp.whatif_move
    group by becomes
    having count(*) > 1
),

parting as (
    select
        was,
        count(*) as persons
    from pg_temp.whatif_move
    group by was
    having count(*) > 1
)

select
    (select count(distinct was) from pg_temp.whatif_move) as persons_before,
    (select count(distinct becomes) from pg_temp.whatif_move) as persons_after,
    (select coalesce(sum(persons), 0)::bigint from joining) as persons_that_join,
    (select count(*) from joining) as joined_persons,
    (select count(*) from parting) as persons_that_part,
    (select coalesce(sum(persons), 0)::bigint from parting) as parts,
    (
        select coalesce(sum(records), 0)::bigint from pg_temp.whatif_move
        where was <> becomes
    ) as records_that_move
