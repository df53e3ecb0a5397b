-- One row per known column that none of the batches published now has, though they have its parent. One whose loss was let
-- pass or accepted is gone.
update ops.known_column as k
set
    of_rows = k.of_rows + missing.rows,
    unseen_rows = k.unseen_rows + missing.rows,
    state = case
        when exists (
            select from ops.schema_drift as d
            where
                d.stream = k.stream
                and d.part = k.part
                and d.path = k.path
                and d.kind = 'lost_column'
                and d.state in ('evolved', 'accepted')
        ) then 'gone' else k.state
    end
from (
    select
        part,
        path,
        sum(rows)::bigint as rows
    from ops.observed_column
    where
        batch_id = any(%(batch_ids)s)
        and type = 'has'
    group by part, path
) as missing
where
    k.stream = %(stream)s
    and k.part = missing.part
    and k.parent = missing.path
    and not exists (
        select from ops.observed_column as o
        where
            o.batch_id = any(%(batch_ids)s)
            and o.part = k.part
            and o.path = k.path
            and o.type not in ('has', 'seen')
    )
