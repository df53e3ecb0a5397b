-- Removals that are behind, a row per audience and kind, in persons: 'refused' by the platform (debts), 'unanswered'
-- (nobody knows whether the platform applied them), 'held' (they wait for a person), and 'withdrawn': people who took
-- back their consent and are still at the platform, whatever the cause; those are counted among the others too.
-- `oldest_at`: since when the oldest is behind; for 'withdrawn' the time of the statement.
with

behind as (
    select
        member.audience_id,
        case when member.attempt_state = 'debt' then 'refused' else 'unanswered' end as kind,
        count(distinct member.person_id) as people,
        min(member.opened_at) as oldest_at,
        mode() within group (order by member.error_code) as error_code
    from audience.member
    where
        member.operation = 'remove'
        and member.attempt_state in ('debt', 'sent', 'retriable')
    group by member.audience_id, member.attempt_state = 'debt'
    union all
    select
        hold.audience_id,
        'held' as kind,
        hold.removals as people,
        hold.since as oldest_at,
        hold.state as error_code
    from audience.hold
    where hold.state in ('open', 'rejected')
    union all
    select
        member.audience_id,
        'withdrawn' as kind,
        count(distinct member.person_id) as people,
        min(ledger.recorded_at) as oldest_at,
        null as error_code
    from audience.member
    inner join audience.audience on member.audience_id = audience.audience_id
    inner join consent.person_consent
        on member.person_id = person_consent.person_id and audience.purpose = person_consent.purpose
    inner join consent.ledger on person_consent.consent_id = ledger.consent_id
    where
        member.acknowledged = 'present'
        and person_consent.state = 'withdrawn'
    group by member.audience_id
)

select
    audience.destination,
    audience.audience_key as audience,
    behind.kind,
    behind.people,
    behind.oldest_at,
    behind.error_code
from behind
inner join audience.audience on behind.audience_id = audience.audience_id
where %(destination)s::text is null or audience.destination = %(destination)s::text
order by behind.oldest_at
