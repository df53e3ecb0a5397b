-- One row per listed value or pattern of rules.yaml: the table is made equal to the file. Touches as many rows as differ.
with

wanted as (
    select
        r.type,
        r.kind,
        r.value,
        r.reason
    from unnest(%(types)s::text[], %(kinds)s::text[], %(values)s::text[], %(reasons)s::text[])
        as r (type, kind, value, reason)
),

gone as (
    delete from identity.blocked_value as b
    where
        b.kind in ('exact', 'pattern')
        and not exists (
            select from wanted as w
            where
                w.type = b.type
                and w.kind = b.kind
                and w.value = b.value
        )
    returning b.type
),

kept as (
    insert into identity.blocked_value as b (type, kind, value, reason)
    select
        type,
        kind,
        value,
        reason
    from wanted
    on conflict (type, kind, value) do update
        set reason = excluded.reason
        where b.reason is distinct from excluded.reason
    returning b.type
)

select type from gone
union all
select type from kept
