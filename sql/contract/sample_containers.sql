-- One row per object or list inside a few hundred of a stream's records, the first and last of some batches: where to look.
with recursive

sampled as (
    (
        select r.payload::jsonb as payload
        from raw.record as r
        where
            r.stream = %(stream)s
            and r.batch_id = any(%(batch_ids)s)
        order by r.raw_id
        limit 200
    )
    union all
    (
        select r.payload::jsonb as payload
        from raw.record as r
        where
            r.stream = %(stream)s
            and r.batch_id = any(%(batch_ids)s)
        order by r.raw_id desc
        limit 200
    )
),

inside as (
    select
        '{}'::text[] as steps,
        payload as value
    from sampled
    union all
    select
        i.steps || one.key as steps,
        one.value
    from inside as i
    cross join
        lateral (
            select
                e.key,
                e.value
            from jsonb_each(case when jsonb_typeof(i.value) = 'object' then i.value end) as e
            union all
            select
                '0' as key,
                i.value -> 0 as value
            where jsonb_typeof(i.value) = 'array'
        ) as one
    where
        cardinality(i.steps) < %(depth)s
        and jsonb_typeof(one.value) in ('object', 'array')
)

select distinct steps
from inside
where
    jsonb_typeof(value) = 'object'
    and cardinality(steps) > 0
