-- One row per statement of tonight's person records that the ledger does not hold yet. A statement belongs to an identifier:
-- the record's e-mail, else its phone, else a vendor id; one that joins nobody (blocked) only when there is no other.
-- A source that gives no time of the statement: what a record says for the first time is granted as early and withdrawn as
-- late as can be (created, last changed), so that silence about time never outweighs a dated "no"; said again, it is no new
-- statement; a change we saw happened when the record changed.
with

source as (
    select
        r.record_id,
        p.stream,
        p.record_key,
        p.created_at,
        coalesce(p.changed_at, p.published_at) as changed_at,
        r.first_seen_at,
        p.consent_text,
        s.purpose,
        s.state,
        s.stated_at
    from identity.work_touched as t
    inner join identity.record as r on t.record_id = r.record_id
    inner join staging.person_record as p on r.stream = p.stream and r.record_key = p.record_key
    cross join
        lateral (
            values ('email', p.consent_email, p.consent_email_at), ('ads', p.consent_ads, p.consent_ads_at)
        ) as s (purpose, state, stated_at)
    where
        r.shape = 'person'
        and r.withdrawn_at is null
        and s.state in ('granted', 'withdrawn')
),

bearer as (
    select distinct on (s.record_id)
        s.record_id,
        i.type,
        i.value
    from (select distinct record_id from source) as s
    inner join identity.edge as e on s.record_id = e.record_id
    inner join identity.identifier as i on e.identifier_id = i.identifier_id
    order by
        s.record_id,
        e.dropped_reason is not null and not e.refused, -- what a limit keeps from the person was still said under it
        case i.type when 'email' then 1 when 'phone' then 2 else 3 end,
        i.type collate "C",
        i.value collate "C"
),

statement as (
    select
        s.*,
        b.type,
        b.value,
        said.state as said_state
    from source as s
    inner join bearer as b on s.record_id = b.record_id
    left join lateral (
        select l.state
        from consent.ledger as l
        where
            l.stream = s.stream
            and l.record_key = s.record_key
            and l.identifier_type = b.type
            and l.identifier_value = b.value
            and l.purpose = s.purpose
        order by l.consent_id desc
        limit 1
    ) as said on true
),

-- What we sent comes back: a member whom our own sync subscribed says "subscribed" at that moment. That is an echo of the
-- consent we had, not a new one, and must not outlive a withdrawal made in between.
sent as (
    select
        a.destination,
        a.audience_id,
        lower(coalesce(m.sent_identifiers, m.attempt_identifiers) ->> 'email') as email
    from audience.member as m
    inner join audience.audience as a on m.audience_id = a.audience_id
    where a.purpose = 'email'
    union all
    select -- calls of this moment, or of a run that was killed
        a.destination,
        a.audience_id,
        lower(given.identifiers ->> 'email') as email
    from audience.batch as b
    inner join audience.audience as a on b.audience_id = a.audience_id
    cross join lateral json_array_elements(b.identifiers) as given (identifiers)
    where a.purpose = 'email' and b.state = 'sent' and b.operation <> 'remove'
),

echo as (
    select distinct
        s.record_id,
        s.purpose
    from statement as s
    inner join sent on s.value = sent.email and split_part(s.stream, '.', 1) = sent.destination
    inner join audience.batch as b
        on
            sent.audience_id = b.audience_id
            and s.stated_at between b.started_at - interval '10 minutes'
            and coalesce(b.ended_at, b.started_at) + interval '10 minutes'
    where
        s.type = 'email'
        and s.state = 'granted'
        and b.operation = 'add'
)

insert into consent.ledger
(identifier_type, identifier_value, purpose, state, occurred_at, stream, record_key, text_version)
select
    type,
    value,
    purpose,
    state,
    coalesce(
        stated_at,
        case when said_state is null and state = 'granted' then coalesce(created_at, first_seen_at) else changed_at end
    ),
    stream,
    record_key,
    consent_text
from statement
where
    (stated_at is not null or said_state is distinct from state)
    and not exists (
        select from echo
        where
            echo.record_id = statement.record_id
            and echo.purpose = statement.purpose
    )
on conflict do nothing
