-- One row per record the source deleted and staging held: all its rows go.
with

gone as (
    delete from published as p
    using checking.deletion as d
    where
        d.stream = %(stream)s
        and p.record_key = d.record_key
    returning p.record_key, d.batch_id
)

select
    record_key,
    max(batch_id) as batch_id
from gone
group by record_key
