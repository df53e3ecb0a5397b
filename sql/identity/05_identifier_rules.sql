-- One row per type of identifier that rules.yaml names: the table is made equal to the file. Touches as many rows as differ.
with

wanted as (
    select
        r.type,
        r.priority,
        r.limits
    from unnest(%(types)s::text[], %(priorities)s::int[], %(limits)s::jsonb[]) as r (type, priority, limits)
),

gone as (
    delete from identity.identifier_rule as o
    where o.type not in (select w.type from wanted as w)
    returning o.type
),

kept as (
    insert into identity.identifier_rule as o (type, priority, limits)
    select
        type,
        priority,
        limits
    from wanted
    on conflict (type) do update
        set
            priority = excluded.priority,
            limits = excluded.limits
        where (o.priority, o.limits) is distinct from (excluded.priority, excluded.limits)
    returning o.type
)

select type from gone
union all
select type from kept
