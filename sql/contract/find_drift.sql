-- One row per change of a stream's columns in its open batches, against what its published batches had.
-- New: a key the part did not have, told for the topmost only. Changed: a kind of value the column never had, where it had
-- any; null and empty values are of no kind. Lost: absent since some batch from at least `least_rows` records that have the
-- column's parent, and from so many that `expected_rows` of them would have it by the column's own share. What was accepted
-- is no change. A part without history has nothing to change from.
with

observed as (
    select *
    from ops.observed_column
    where batch_id = any(%(batch_ids)s)
),

map as (
    select
        part,
        path
    from observed
    where type = 'map'
    union
    select
        part,
        path
    from ops.known_column
    where
        stream = %(stream)s
        and types @> '{map}'
),

known as (
    select k.*
    from ops.known_column as k
    where
        k.stream = %(stream)s
        and k.types <> '{map}'
        and not exists (
            select from map as m
            where
                m.part = k.part
                and (k.parent = m.path or starts_with(k.parent, m.path || '.') or starts_with(k.parent, m.path || '['))
        )
),

column_seen as (
    select
        part,
        path,
        parent,
        steps,
        type,
        sum(rows)::bigint as rows,
        min(batch_id) as batch_id
    from observed
    where type not in ('has', 'map', 'seen')
    group by part, path, parent, steps, type
),

parent_seen as (
    select
        part,
        path,
        sum(rows)::bigint as rows
    from observed
    where type = 'has'
    group by part, path
),

fresh as (
    select
        s.part,
        s.path,
        s.parent,
        s.steps,
        string_agg(s.type, ' or ' order by s.type) as found,
        sum(s.rows)::bigint as rows,
        min(s.batch_id) as batch_id
    from column_seen as s
    where
        exists (select from known as k where k.part = s.part)
        and not exists (select from known as k where k.part = s.part and k.path = s.path and k.state <> 'gone')
    group by s.part, s.path, s.parent, s.steps
),

new_column as (
    select
        'new_column' as kind,
        f.part,
        f.path,
        f.steps,
        '' as expected,
        f.found,
        f.rows,
        coalesce(p.rows, f.rows) as of_rows,
        f.batch_id,
        0::bigint as after_batch_id
    from fresh as f
    left join parent_seen as p on f.part = p.part and f.parent = p.path
    where
        not exists (
            select from fresh as above
            where
                above.part = f.part
                and (f.parent = above.path or f.parent = above.path || '[]')
        )
),

changed_type as (
    select
        'changed_type' as kind,
        s.part,
        s.path,
        s.steps,
        array_to_string(array_remove(k.types, 'map'), ' or ') as expected,
        s.type as found,
        s.rows,
        coalesce(p.rows, s.rows) as of_rows,
        s.batch_id,
        0::bigint as after_batch_id
    from column_seen as s
    inner join known as k on s.part = k.part and s.path = k.path
    left join parent_seen as p on s.part = p.part and s.parent = p.path
    where
        k.state = 'known'
        and s.type <> 'null'
        and k.types <> '{}'
        and s.type <> all(k.types)
),

absence as (
    select
        k.part,
        k.path,
        k.steps,
        k.types,
        k.rows::numeric / greatest(k.of_rows, 1) as share,
        seen.batch_id as seen_batch_id,
        case when seen.batch_id is null then k.unseen_rows else 0 end as before_rows,
        missing.rows,
        missing.batch_id
    from known as k
    cross join
        lateral (
            select max(o.batch_id) as batch_id
            from observed as o
            where
                o.part = k.part
                and o.path = k.path
                and o.type not in ('has', 'map', 'seen')
        ) as seen
    cross join
        lateral (
            select
                sum(o.rows)::bigint as rows,
                min(o.batch_id) as batch_id
            from observed as o
            where
                o.type = 'has'
                and o.part = k.part
                and o.path = k.parent
                and o.batch_id > coalesce(seen.batch_id, 0)
        ) as missing
    where
        k.state = 'known'
        and missing.rows > 0
),

lost_column as (
    select
        'lost_column' as kind,
        part,
        path,
        steps,
        array_to_string(array_remove(types, 'map'), ' or ') as expected,
        '' as found,
        rows,
        rows as of_rows,
        batch_id,
        coalesce(seen_batch_id, 0) as after_batch_id
    from absence
    where
        before_rows + rows >= %(least_rows)s
        and (before_rows + rows) * share >= %(expected_rows)s
),

found_drift as (
    select * from new_column
    union all
    select * from changed_type
    union all
    select * from lost_column
)

select
    d.kind,
    d.part,
    d.path,
    d.steps,
    d.expected,
    d.found,
    d.rows,
    d.of_rows,
    d.batch_id,
    d.after_batch_id,
    coalesce(told.first_seen_at, b.landed_at, b.started_at) as first_seen_at
from found_drift as d
inner join ops.batch as b on d.batch_id = b.batch_id
left join ops.schema_drift as told
    on
        told.stream = %(stream)s
        and d.part = told.part
        and d.path = told.path
        and d.kind = told.kind
        and d.found = told.found
where told.state is distinct from 'accepted'
order by d.kind, d.part, d.path, d.found
