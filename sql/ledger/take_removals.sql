-- Hands out removals, by their numbers in the plan, and writes down in the same statement that they are about to be sent.
-- The identifiers are those that were sent, without those that must stay; who has none left needs no call.
-- One row a person in the order of the batches: the identifiers, then the batch.
with

taken as materialized (
    select
        row_number() over (order by plan_row.ordinal) - 1 as place,
        plan_row.person_id,
        plan_row.identifier_hash,
        member.email_key,
        member.phone_key,
        coalesce(membership.left_version, membership.version) as segment_version,
        member.membership_id,
        member.consent_id,
        plan_row.kept,
        coalesce(member.sent_identifiers, member.attempt_identifiers, '{}') - plan_row.kept as identifiers
    from pg_temp.plan_row
    inner join audience.member
        on
            member.audience_id = %(audience_id)s
            and plan_row.person_id = member.person_id
            and plan_row.identifier_hash = member.identifier_hash
    left join segment.membership on member.membership_id = membership.membership_id
    where
        plan_row.ordinal between %(first)s and %(last)s
        and plan_row.operation = 'remove'
        and coalesce(member.sent_identifiers, member.attempt_identifiers, '{}') - plan_row.kept <> '{}'
),

numbers as materialized (
    select array_agg(nextval('audience.batch_batch_id_seq')) as ids
    from generate_series(1, (select (count(*) + %(size)s - 1) / %(size)s from taken))
),

written as (
    insert into audience.sent (
        batch_id, batch_row, audience_id, person_id, identifier_hash, email_key, phone_key, membership_id, consent_id,
        segment_version, kept
    )
    select
        (select numbers.ids from numbers)[1 + taken.place / %(size)s],
        mod(taken.place, %(size)s),
        %(audience_id)s,
        taken.person_id,
        taken.identifier_hash,
        taken.email_key,
        taken.phone_key,
        taken.membership_id,
        taken.consent_id,
        taken.segment_version,
        nullif(taken.kept, '{}')
    from taken
)

select
    taken.identifiers,
    (select numbers.ids from numbers)[1 + taken.place / %(size)s] as batch_id
from taken
order by taken.place
