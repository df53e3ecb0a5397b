-- Removals without a call: each identifier the leaver still has at the platform belongs to a present member who stays.
-- Runs after the additions; when the other was not acknowledged yet, the leaver's row stays open for the next run.
with

waiting as (
    select
        member.person_id,
        member.identifier_hash,
        member.email_key,
        member.phone_key,
        plan_row.kept,
        plan_row.readdress
    from pg_temp.plan_row
    inner join audience.member
        on
            member.audience_id = %(audience_id)s
            and plan_row.person_id = member.person_id
            and plan_row.identifier_hash = member.identifier_hash
    where
        plan_row.operation = 'remove'
        and cardinality(plan_row.kept) > 0
        and coalesce(member.sent_identifiers, member.attempt_identifiers, '{}') - plan_row.kept = '{}'
),

holders as (
    select distinct unnest(array[member.email_key, member.phone_key]) as identifier_key
    from audience.member
    where
        member.audience_id = %(audience_id)s
        and member.acknowledged = 'present'
        and exists (select from waiting) -- else nobody has to be read
        and coalesce(member.operation, '') <> 'remove'
        and not exists (
            select from pg_temp.plan_row as gone
            where
                gone.operation = 'remove'
                and gone.person_id = member.person_id
                and gone.identifier_hash = member.identifier_hash
        )
),

covered as (
    select waiting.*
    from waiting
    where not exists (
        select from unnest(waiting.kept) as kept (column_name)
        where not exists (
            select from holders
            where holders.identifier_key = case kept.column_name when 'email' then waiting.email_key else waiting.phone_key end
        )
    )
),

settled as (
    update audience.member
    set
        acknowledged = 'absent',
        sent_identifiers = null,
        acknowledged_at = %(at)s,
        operation = null,
        attempt_state = null,
        attempt_identifiers = null,
        attempt_payload_hash = null,
        opened_at = null,
        tries = 0
    from covered
    where
        member.audience_id = %(audience_id)s
        and member.person_id = covered.person_id
        and member.identifier_hash = covered.identifier_hash
    returning member.person_id, member.membership_id, member.consent_id, covered.readdress
),

logged as (
    insert into audience.line (audience_id, person_id, operation, outcome, error_code, membership_id, consent_id, at)
    select
        %(audience_id)s::bigint,
        settled.person_id,
        'remove',
        'accepted',
        'identifier_of_another_member',
        settled.membership_id,
        settled.consent_id,
        %(at)s
    from settled
)

select count(*) filter (where not settled.readdress) as removed
from settled
