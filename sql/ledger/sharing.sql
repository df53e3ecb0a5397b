-- Members who stay and carry an identifier of somebody who leaves: a shared mailbox, an address that went to somebody else,
-- an old row of a merged person. One row each. Everybody is passed once a type of identifier, whoever leaves or how many.
create temporary table sharing on commit drop as
with

carriers as ( -- the leavers among them
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
        and member.email_key in (select plan_row.email_key from pg_temp.plan_row where plan_row.operation = 'remove')
    union
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
        and member.phone_key in (select plan_row.phone_key from pg_temp.plan_row where plan_row.operation = 'remove')
)

select carriers.*
from carriers
where
    not exists (
        select from pg_temp.plan_row as gone
        where
            gone.operation = 'remove'
            and gone.person_id = carriers.person_id
            and gone.identifier_hash = carriers.identifier_hash
    )
