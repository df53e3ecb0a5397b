-- One row per size of person in powers of two (1, 2, 3-4, 5-8, ... records); sizes that nobody has any more leave.
with

sized as (
    select
        power(2, ceil(log(2, record_count::numeric)))::int as up_to,
        count(*) as persons,
        sum(record_count) as records
    from identity.person
    group by up_to
),

gone as (
    delete from identity.cluster_size as o
    where
        not exists (
            select from sized as s
            where s.up_to = o.up_to
        )
)

insert into identity.cluster_size (up_to, persons, records, measured_at)
select
    up_to,
    persons,
    records,
    %(at)s
from sized
on conflict (up_to) do update
    set
        persons = excluded.persons,
        records = excluded.records,
        measured_at = excluded.measured_at
