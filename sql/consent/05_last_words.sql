-- One row per withdrawal in the last version of a record that its source deleted, and that the ledger does not hold yet.
-- It belongs to the record's e-mail, else its phone, else a vendor id, like every statement. A source that gives no time
-- of the statement: as late as can be, when the record changed for the last time, and no new statement when the record
-- had said so before. A last "yes" is no statement.
with

named as (
    select
        w.stream,
        w.record_key,
        w.raw_id,
        w.type,
        case when w.type in ('email', 'phone') then n.value else btrim(w.raw_value, e' \t\r\n') end as value
    from identity.work_last_word as w
    left join identity.normal_form as n
        on
            w.type = n.type
            and w.raw_value = n.raw_value
            and w.country = n.country
),

bearer as (
    select distinct on (stream, record_key, raw_id)
        stream,
        record_key,
        raw_id,
        type,
        value
    from named
    where value <> ''
    order by
        stream,
        record_key,
        raw_id,
        case type when 'email' then 1 when 'phone' then 2 else 3 end,
        type collate "C",
        value collate "C"
)

insert into consent.ledger
(identifier_type, identifier_value, purpose, state, occurred_at, stream, record_key, text_version)
select
    b.type,
    b.value,
    s.purpose,
    s.state,
    coalesce(s.stated_at, l.changed_at, l.published_at),
    b.stream,
    b.record_key,
    l.consent_text
from bearer as b
inner join staging.last_word as l on b.stream = l.stream and b.record_key = l.record_key and b.raw_id = l.raw_id
cross join
    lateral (
        values ('email', l.consent_email, l.consent_email_at), ('ads', l.consent_ads, l.consent_ads_at)
    ) as s (purpose, state, stated_at)
left join lateral (
    select c.state
    from consent.ledger as c
    where
        c.stream = b.stream
        and c.record_key = b.record_key
        and c.identifier_type = b.type
        and c.identifier_value = b.value
        and c.purpose = s.purpose
    order by c.consent_id desc
    limit 1
) as said on true
where
    s.state = 'withdrawn'
    and (s.stated_at is not null or said.state is distinct from s.state)
on conflict do nothing
