-- Which identifiers of a leaver must stay at the platform, because a person who stays or enters carries them too. Per
-- removal: names of columns.
with

holding as not materialized (
    select
        sharing.email_key,
        sharing.phone_key
    from pg_temp.sharing
    union all
    select
        plan_row.email_key,
        plan_row.phone_key
    from pg_temp.plan_row
    where plan_row.operation <> 'remove'
),

kept as (
    select
        plan_row.ordinal,
        'email' as column_name
    from pg_temp.plan_row
    where plan_row.operation = 'remove' and plan_row.email_key in (select holding.email_key from holding)
    union all
    select
        plan_row.ordinal,
        'phone' as column_name
    from pg_temp.plan_row
    where plan_row.operation = 'remove' and plan_row.phone_key in (select holding.phone_key from holding)
),

columns as (
    select
        kept.ordinal,
        array_agg(kept.column_name order by kept.column_name) as kept
    from kept
    group by kept.ordinal
)

update pg_temp.plan_row
set kept = columns.kept
from columns
where plan_row.ordinal = columns.ordinal
