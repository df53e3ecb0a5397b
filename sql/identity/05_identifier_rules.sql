-- One row per type of identifier that rules.yaml names: the table is made equal to the file. Touches as many rows as differ.
with

wanted as (
    select
        r.type,
        r.priority,
        r.limits,
        r.users_above
    from unnest(%(types)s::text[], %(priorities)s::int[], %(limits)s::jsonb[], %(users_above)s::int[])
        as r (type, priority, limits, users_above)
),

gone as (
    delete from identity.identifier_rule as o
    where o.type not in (select w.type from wanted as w)
    returning o.type
),

kept as (
    insert into identity.identifier_rule as o (type, priority, limits, users_above)
    select
        type,
        priority,
        limits,
        users_above
    from wanted
    on conflict (type) do update
        set
            priority = excluded.priority,
            limits = excluded.limits,
            users_above = excluded.users_above
        where
        (o.priority, o.limits, o.users_above)
        is distinct from (excluded.priority, excluded.limits, excluded.users_above)
    returning o.type
)

select type from gone
union all
select type from kept
