-- Writes down, before the call, who is in it: one batch row, one open attempt a person. Until an answer is written
-- the platform may have applied it or not. Returns the number of the batch.
with

batch as (
    insert into audience.batch (sync_id, audience_id, operation, sent, unknown, started_at)
    values (%(sync_id)s, %(audience_id)s, %(operation)s, cardinality(%(ordinals)s), cardinality(%(ordinals)s), %(at)s)
    returning batch_id
),

sent as (
    select
        plan_row.person_id,
        plan_row.identifier_hash,
        plan_row.identifier_keys,
        plan_row.payload_hash,
        plan_row.membership_id,
        plan_row.consent_id,
        given.identifiers::jsonb as identifiers
    from unnest(%(ordinals)s::bigint [], %(identifiers)s::text []) as given (ordinal, identifiers)
    inner join pg_temp.plan_row on given.ordinal = plan_row.ordinal
),

marked as (
    insert into audience.member as member (
        audience_id, person_id, identifier_hash, identifier_keys, membership_id, consent_id, operation, attempt_state,
        batch_id, tries, opened_at, attempt_identifiers, attempt_payload_hash
    )
    select
        %(audience_id)s::bigint,
        sent.person_id,
        sent.identifier_hash,
        sent.identifier_keys,
        sent.membership_id,
        sent.consent_id,
        %(operation)s,
        'sent',
        batch.batch_id,
        1,
        %(at)s,
        sent.identifiers,
        sent.payload_hash
    from sent
    cross join batch
    on conflict (audience_id, person_id, identifier_hash) do update set
        sent_identifiers = case
            when excluded.operation = 'remove' then coalesce(member.sent_identifiers, member.attempt_identifiers)
            else member.sent_identifiers
        end,
        membership_id = coalesce(excluded.membership_id, member.membership_id),
        consent_id = coalesce(excluded.consent_id, member.consent_id),
        operation = excluded.operation,
        attempt_state = 'sent',
        batch_id = excluded.batch_id,
        tries = member.tries + 1,
        error_class = null,
        error_code = null,
        error_text = null,
        opened_at = coalesce(member.opened_at, excluded.opened_at),
        attempt_identifiers = excluded.attempt_identifiers,
        attempt_payload_hash = excluded.attempt_payload_hash
)

select batch.batch_id
from batch
