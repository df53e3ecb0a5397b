-- Writes down, before the calls, who is in them: a batch row a call, one open attempt a person. Until an answer is
-- written the platform may have applied it or not. One row: the numbers of the batches, in order.
with

numbered as materialized (
    select
        given.number,
        given.size,
        nextval('audience.batch_batch_id_seq') as batch_id
    from unnest(%(sizes)s::int []) with ordinality as given (size, number)
),

batch as (
    insert into audience.batch (batch_id, sync_id, audience_id, operation, sent, unknown, started_at)
    overriding system value
    select
        numbered.batch_id,
        %(sync_id)s,
        %(audience_id)s,
        %(operation)s,
        numbered.size,
        numbered.size,
        %(at)s
    from numbered
),

marked as (
    insert into audience.member as member (
        audience_id, person_id, identifier_hash, identifier_keys, membership_id, consent_id, operation, attempt_state,
        batch_id, tries, opened_at, attempt_identifiers, attempt_payload_hash, row_hash
    )
    select
        %(audience_id)s::bigint,
        plan_row.person_id,
        plan_row.identifier_hash,
        plan_row.identifier_keys,
        plan_row.membership_id,
        plan_row.consent_id,
        %(operation)s,
        'sent',
        numbered.batch_id,
        1,
        %(at)s,
        given.identifiers,
        plan_row.payload_hash,
        plan_row.row_hash
    from
        rows from (
            unnest(%(ordinals)s::bigint []),
            unnest(%(numbers)s::bigint []),
            jsonb_array_elements(%(identifiers)s::jsonb)
        ) as given (ordinal, number, identifiers)
    inner join numbered on given.number = numbered.number
    inner join pg_temp.plan_row on given.ordinal = plan_row.ordinal
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
        attempt_payload_hash = excluded.attempt_payload_hash,
        row_hash = excluded.row_hash
)

select array_agg(numbered.batch_id order by numbered.number) as batch_ids
from numbered
