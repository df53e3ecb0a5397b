-- One row per column and kind of value of a batch, and one per batch to say that it was looked at.
insert into ops.observed_column (batch_id, part, path, parent, steps, type, rows)
select
    o.batch_id,
    o.part,
    o.path,
    o.parent,
    o.steps,
    o.type,
    o.rows
from
    jsonb_to_recordset(%(columns)s::jsonb)
        as o (
            batch_id bigint, part text, path text, parent text, steps text[], type text, rows bigint
        )
union all
select
    b.batch_id,
    '' as part,
    '' as path,
    '' as parent,
    '{}' as steps,
    'seen' as type,
    0 as rows
from unnest(%(batch_ids)s::bigint[]) as b (batch_id)
on conflict (batch_id, part, path, type) do nothing
