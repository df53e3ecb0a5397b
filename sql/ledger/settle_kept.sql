-- Removals without a call: each identifier the leaver still has at the platform belongs to a present member who stays.
-- Runs after the additions; when the other was not acknowledged yet, the leaver's row stays open for the next run.
with

emails as (
    select distinct member.email_key
    from audience.member
    where
        member.audience_id = %(audience_id)s
        and member.acknowledged = 'present'
        and coalesce(member.operation, '') <> 'remove'
        and member.email_key in (select waiting.email_key from pg_temp.waiting)
        and not exists (
            select from pg_temp.plan_row as gone
            where
                gone.operation = 'remove'
                and gone.person_id = member.person_id
                and gone.identifier_hash = member.identifier_hash
        )
),

phones as (
    select distinct member.phone_key
    from audience.member
    where
        member.audience_id = %(audience_id)s
        and member.acknowledged = 'present'
        and coalesce(member.operation, '') <> 'remove'
        and member.phone_key in (select waiting.phone_key from pg_temp.waiting)
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
    from pg_temp.waiting
    left join emails on waiting.email_key = emails.email_key
    left join phones on waiting.phone_key = phones.phone_key
    where
        (waiting.email_key is null or emails.email_key is not null)
        and (waiting.phone_key is null or phones.phone_key is not null)
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
