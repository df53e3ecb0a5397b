-- One row per size of person (records, in powers of two), before and after: how many persons, how many records.
with

before as (
    select count(*) as records
    from pg_temp.whatif_before
    group by person_id
),

after as (
    select count(*) as records
    from identity.record
    where person_id is not null
    group by person_id
),

sized as (
    select
        2 ^ ceil(log(2, records)) as up_to,
        false as after_rules,
        records
    from before
    union all
    select
        2 ^ ceil(log(2, records)),
        true,
        records
    from after
)

select
    up_to::bigint as up_to,
    count(*) filter (where not after_rules) as persons_before,
    count(*) filter (where after_rules) as persons_after,
    coalesce(sum(records) filter (where not after_rules), 0)::bigint as records_before,
    coalesce(sum(records) filter (where after_rules), 0)::bigint as records_after
from sized
group by up_to
order by up_to
