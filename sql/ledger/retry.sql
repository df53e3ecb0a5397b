-- Frees people whom a platform refused between two moments, so that the next plan asks about them again, and writes the
-- decision to the audit. Who was not refused for good is planned again anyway and only counted. One row per audience,
-- class and code, in persons.
with

chosen as (
    select
        member.audience_id,
        member.person_id,
        member.identifier_hash,
        member.attempt_state,
        member.error_class,
        member.error_code
    from audience.member
    inner join audience.audience on member.audience_id = audience.audience_id
    inner join audience.batch on member.batch_id = batch.batch_id
    where
        member.attempt_state is not null
        and coalesce(batch.ended_at, batch.started_at) >= %(since)s
        and coalesce(batch.ended_at, batch.started_at) < %(until)s
        and (%(error_class)s::text is null or %(error_class)s::text in (member.error_class, member.error_code))
        and (%(destination)s::text is null or audience.destination = %(destination)s::text)
        and (%(audience)s::text is null or audience.audience_key = %(audience)s::text)
),

freed as (
    update audience.member
    set
        operation = null,
        attempt_state = null,
        attempt_identifiers = null,
        attempt_payload_hash = null,
        error_class = null,
        error_code = null,
        error_text = null,
        opened_at = null,
        tries = 0,
        row_hash = null
    from chosen
    where
        member.audience_id = chosen.audience_id
        and member.person_id = chosen.person_id
        and member.identifier_hash = chosen.identifier_hash
        and chosen.attempt_state = 'rejected'
    returning member.person_id
),

audited as (
    insert into ops.audit (actor, action, subject, details)
    select
        %(who)s::text,
        'sync retry',
        coalesce(%(destination)s::text, 'every destination'),
        jsonb_build_object(
            'since', %(since)s,
            'until', %(until)s,
            'error_class', %(error_class)s::text,
            'audience', %(audience)s::text,
            'people', (select count(distinct freed.person_id) from freed)
        )
)

select
    audience.destination,
    audience.audience_key as audience,
    chosen.error_class,
    chosen.error_code,
    count(distinct chosen.person_id) filter (where chosen.attempt_state = 'rejected') as again,
    count(distinct chosen.person_id) filter (where chosen.attempt_state <> 'rejected') as anyway
from chosen
inner join audience.audience on chosen.audience_id = audience.audience_id
group by audience.destination, audience.audience_key, chosen.error_class, chosen.error_code
order by audience.destination, audience.audience_key, again desc, chosen.error_code
