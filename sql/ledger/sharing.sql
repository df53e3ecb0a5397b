-- Members who stay and carry an identifier of somebody who leaves: a shared mailbox, an address that went to somebody else,
-- an old row of a merged person. One row each. Everybody is passed once a type of identifier, whoever leaves or how many.
create temporary table sharing on commit drop as
with

staying as not materialized (
    select
        member.person_id,
        member.identifier_hash,
        member.email_key,
        member.phone_key,
        member.payload_hash,
        member.consent_id
    from audience.member
    where
        member.audience_id = %(audience_id)s
        and member.acknowledged = 'present'
        and not exists (
            select from pg_temp.plan_row as gone
            where
                gone.operation = 'remove'
                and gone.person_id = member.person_id
                and gone.identifier_hash = member.identifier_hash
        )
)

select
    staying.person_id,
    staying.identifier_hash,
    staying.email_key,
    staying.phone_key,
    staying.payload_hash,
    staying.consent_id
from staying
where staying.email_key in (select plan_row.email_key from pg_temp.plan_row where plan_row.operation = 'remove')
union
select
    staying.person_id,
    staying.identifier_hash,
    staying.email_key,
    staying.phone_key,
    staying.payload_hash,
    staying.consent_id
from staying
where staying.phone_key in (select plan_row.phone_key from pg_temp.plan_row where plan_row.operation = 'remove')
