-- Who a priority list keeps out of one of its audiences: members of its segment who qualify for a higher audience
-- ('priority'), or whom another audience holds or may hold and this one does not ('elsewhere'). A removal counts when the
-- platform acknowledged it, and where it answers with a job, when the job has confirmed it. Persons of today: a
-- membership or a row of a merged person counts for whom it became. One row: how many were freed by another's removal.
with

-- tables of all audiences are read by lists of the few that count here, not joined
listed as materialized (
    select
        audience.audience_id,
        audience.segment,
        audience.purpose,
        audience.active,
        audience.priority_rank,
        coalesce(audience.treatment::jsonb -> 'identifiers', '["email", "phone"]') as identifiers
    from audience.audience
    where audience.priority_list = %(list)s
),

mine as (
    select coalesce(redirect.person_id, member.person_id) as person_id
    from segment.membership as member
    left join identity.redirect on member.person_id = redirect.old_person_id
    where member.segment = %(segment)s and member.left_at is null
),

above as (
    select coalesce(redirect.person_id, member.person_id) as person_id
    from listed
    inner join segment.membership as member on listed.segment = member.segment and member.left_at is null
    left join identity.redirect on member.person_id = redirect.old_person_id
    inner join profile.person on coalesce(redirect.person_id, member.person_id) = person.person_id
    inner join consent.person_consent
        on
            person.person_id = person_consent.person_id
            and listed.purpose = person_consent.purpose
            and person_consent.state = 'granted'
    where
        listed.active
        and listed.priority_rank < %(rank)s
        and member.segment = any(array(select every_one.segment from listed as every_one))
        and (
            (listed.identifiers ? 'email' and person.email is not null)
            or (listed.identifiers ? 'phone' and person.phone is not null)
        )
),

others as materialized (
    select listed.audience_id
    from listed
    where listed.audience_id <> %(audience_id)s
),

unsettled as materialized ( -- additions and updates without an answer yet, removals whose job is not confirmed yet
    select batch.batch_id
    from audience.batch
    where
        batch.audience_id = any(array(select others.audience_id from others))
        and batch.state in ('sent', 'accepted') -- of which there is an index
        and (
            (batch.state = 'sent' and batch.operation <> 'remove')
            or (batch.state = 'accepted' and batch.operation = 'remove' and batch.job_id is not null)
        )
),

held_by_others as (
    select member.person_id
    from audience.member
    where
        member.audience_id = any(array(select others.audience_id from others))
        and (member.acknowledged = 'present' or member.attempt_state in ('sent', 'retriable', 'accepted', 'debt'))
    union all
    select sent.person_id
    from audience.sent
    where sent.batch_id = any(array(select unsettled.batch_id from unsettled))
),

elsewhere as (
    select coalesce(redirect.person_id, held_by_others.person_id) as person_id
    from held_by_others
    left join identity.redirect on held_by_others.person_id = redirect.old_person_id
    where not exists (
        select from audience.member as own
        where
            own.audience_id = %(audience_id)s
            and own.person_id = coalesce(redirect.person_id, held_by_others.person_id)
            and own.acknowledged = 'present'
    )
),

barred as (
    select
        above.person_id,
        true as by_rank
    from above
    union all
    select
        elsewhere.person_id,
        false as by_rank
    from elsewhere
),

wanted as materialized (
    select
        mine.person_id,
        case when bool_or(barred.by_rank) then 'priority' else 'elsewhere' end as reason
    from mine
    inner join barred on mine.person_id = barred.person_id
    group by mine.person_id
),

freed as (
    delete from audience.excluded
    where
        excluded.audience_id = %(audience_id)s
        and excluded.reason in ('priority', 'elsewhere')
        and not exists (select from wanted where wanted.person_id = excluded.person_id)
    returning excluded.person_id
),

kept as (
    insert into audience.excluded as known (audience_id, person_id, reason)
    select
        %(audience_id)s::bigint,
        wanted.person_id,
        wanted.reason
    from wanted
    where
        not exists (
            select from audience.excluded as same
            where
                same.audience_id = %(audience_id)s
                and same.person_id = wanted.person_id
                and same.reason in (wanted.reason, 'control')
        )
    on conflict (audience_id, person_id) do update
        set reason = excluded.reason
        where known.reason in ('priority', 'elsewhere') and known.reason <> excluded.reason
)

select count(*) as freed
from freed
