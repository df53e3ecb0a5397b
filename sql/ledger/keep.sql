-- Which identifiers of a leaver must stay at the platform, because a person who stays or enters carries them too (a
-- shared mailbox, an address that went to somebody else, an old row of a merged person). Per removal: names of columns.
with

leaving as (
    select
        plan_row.ordinal,
        identifier.column_name,
        identifier.identifier_key
    from pg_temp.plan_row
    inner join audience.member
        on
            member.audience_id = %(audience_id)s
            and plan_row.person_id = member.person_id
            and plan_row.identifier_hash = member.identifier_hash
    cross join
        lateral (values ('email', member.email_key), ('phone', member.phone_key)) as identifier (column_name, identifier_key)
    where plan_row.operation = 'remove' and identifier.identifier_key is not null
),

staying as (
    select unnest(array[plan_row.email_key, plan_row.phone_key]) as identifier_key
    from pg_temp.plan_row
    where
        plan_row.operation <> 'remove'
        and exists (select from pg_temp.plan_row as leaver where leaver.operation = 'remove')
    union all
    select unnest(array[member.email_key, member.phone_key]) as identifier_key
    from audience.member
    where
        member.audience_id = %(audience_id)s
        and member.acknowledged = 'present'
        and exists (select from pg_temp.plan_row where plan_row.operation = 'remove') -- else nobody has to be read
        and not exists (
            select from pg_temp.plan_row as gone
            where
                gone.operation = 'remove'
                and gone.person_id = member.person_id
                and gone.identifier_hash = member.identifier_hash
        )
),

kept as (
    select
        leaving.ordinal,
        array_agg(distinct leaving.column_name) as columns
    from leaving
    where leaving.identifier_key in (select staying.identifier_key from staying where staying.identifier_key is not null)
    group by leaving.ordinal
)

update pg_temp.plan_row
set kept = kept.columns
from kept
where plan_row.ordinal = kept.ordinal
