-- One row per batch that is published now, with what became of its rows (landed records, not entries).
with

passed as (
    select
        batch_id,
        count(distinct record_key) as row_count
    from candidate
    group by batch_id
),

held as (
    select
        batch_id,
        count(distinct raw_id) as row_count
    from ops.quarantine
    where
        batch_id = any(%(batch_ids)s)
        and state = 'held'
    group by batch_id
)

update ops.batch as b
set
    state = 'published',
    replaying = false,
    published_at = now(),
    quarantined_rows = coalesce(h.row_count, 0),
    published_rows = coalesce(p.row_count, 0)
from ops.batch as closing
left join held as h on closing.batch_id = h.batch_id
left join passed as p on closing.batch_id = p.batch_id
where
    b.batch_id = closing.batch_id
    and closing.batch_id = any(%(batch_ids)s)
    and closing.state = 'checked'
