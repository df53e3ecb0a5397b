-- One row: the share of the candidate's lines that may be held. Each mapping of a file may allow its own; a batch that
-- mixes files may hold what their lines may hold together.
with

mapping as (
    select
        one.key as name,
        (one.value -> 'options' ->> 'max_quarantine_share')::float as share
    from jsonb_each(
        %(mappings)s::jsonb
        || coalesce((select c.cursor -> 'mappings' from ops.stream_cursor as c where c.stream = %(stream)s), '{}') -- noqa: LT14
    ) as one
),

lines as (
    select
        r.payload ->> '_mapping' as mapping,
        count(*) as line_count
    from raw.record as r
    where
        r.stream = %(stream)s
        and r.raw_id in (select c.raw_id from candidate as c)
    group by r.payload ->> '_mapping'
)

select sum(l.line_count * coalesce(m.share, %(share)s)) / sum(l.line_count) as share -- noqa: RF02
from lines as l
left join mapping as m on l.mapping = m.name
