-- One row per person in scope: the golden record by the rules of survivorship.yaml, with the stream each value came from.
-- An address or number that is blocked (shared, role mailbox, test value) is nobody's own and is not taken.
-- A record that one of our own syncs made says nothing new by what syncs carry (e-mail, name, to some platforms the postal
-- address): it came from here.
with

live as (
    select
        a.person_id,
        r.record_id,
        r.shape,
        r.stream,
        r.record_key,
        r.first_seen_at,
        case
            when r.shape = 'bundle' then 1000
            else coalesce(array_position(%(trust)s::text[], r.stream), 999)
        end as distrust
    from identity.work_assignment as a
    inner join identity.record as r on a.record_id = r.record_id
),

young as materialized ( -- records made since the first sync, at a platform that we also send to
    select
        l.record_id,
        l.person_id,
        split_part(l.stream, '.', 1) as platform,
        p.created_at
    from live as l
    inner join staging.person_record as p on l.stream = p.stream and l.record_key = p.record_key
    where
        l.shape = 'person'
        and split_part(l.stream, '.', 1) in (select a.destination from audience.audience as a)
        and p.created_at >= (select min(b.started_at) - interval '10 minutes' from audience.batch as b)
),

ours as ( -- made while a batch that named the person was under way there
    select distinct y.record_id
    from young as y
    cross join
        lateral (
            select y.person_id
            union all
            select r.old_person_id from identity.redirect as r
            where r.person_id = y.person_id
        ) as known
    inner join audience.delivery as d on known.person_id = d.person_id and d.operation in ('add', 'update')
    inner join audience.batch as b
        on
            d.batch_id = b.batch_id
            and y.created_at between b.started_at - interval '10 minutes'
            and coalesce(b.ended_at, b.started_at) + interval '10 minutes'
    inner join audience.audience as a on b.audience_id = a.audience_id and y.platform = a.destination
),

stated as (
    select
        l.person_id,
        i.type as field,
        array[i.value] as value,
        l.stream,
        l.record_key,
        l.distrust,
        coalesce(case when l.stream <> all(%(echoing)s::text[]) then p.changed_at end, l.first_seen_at) as stated_at
    from live as l
    inner join identity.edge as e on l.record_id = e.record_id and e.dropped_reason is null
    inner join identity.identifier as i on e.identifier_id = i.identifier_id and i.type in ('email', 'phone')
    left join staging.person_record as p on l.shape = 'person' and l.stream = p.stream and l.record_key = p.record_key
    where
        i.type <> 'email'
        or l.record_id not in (select record_id from ours)
    union all
    select
        l.person_id,
        v.field,
        v.value,
        l.stream,
        l.record_key,
        l.distrust,
        coalesce(case when l.stream <> all(%(echoing)s::text[]) then p.changed_at end, l.first_seen_at)
    from live as l
    inner join staging.person_record as p on l.stream = p.stream and l.record_key = p.record_key
    cross join
        lateral (
            values
            ('name', array[nullif(btrim(p.first_name), ''), nullif(btrim(p.last_name), '')]),
            ('birth_on', array[p.birth_on::text]),
            ('gender', array[nullif(btrim(p.gender), '')]),
            ('language', array[nullif(btrim(p.language), '')]),
            (
                'address',
                array[
                    nullif(btrim(p.country), ''), nullif(btrim(p.region), ''),
                    nullif(btrim(p.city), ''), nullif(btrim(p.postcode), '')
                ]
            ),
            ('email_client', array[nullif(btrim(p.email_client), '')])
        ) as v (field, value)
    where
        l.shape = 'person'
        and array_remove(v.value, null) <> '{}'
        and (
            v.field not in ('name', 'address')
            or (v.field = 'address' and l.stream <> all(%(addressed)s::text[]))
            or l.record_id not in (select record_id from ours)
        )
),

weighed as (
    select
        s.*,
        cardinality(array_remove(s.value, null)) as parts,
        count(*) over (partition by s.person_id, s.field, s.value) as times
    from stated as s
),

winner as (
    select distinct on (w.person_id, w.field)
        w.person_id,
        w.field,
        w.value,
        w.stream
    from weighed as w
    left join unnest(%(fields)s::text[], %(rules)s::text[]) as f (field, rule) on w.field = f.field
    order by
        w.person_id,
        w.field,
        w.parts desc,
        case f.rule when 'trusted' then w.distrust when 'frequent' then -w.times end,
        w.stated_at desc,
        w.distrust,
        w.stream collate "C",
        w.record_key collate "C",
        w.value
),

chosen as (
    select
        person_id,
        max(value) filter (where field = 'email') as email,
        max(value) filter (where field = 'phone') as phone,
        max(value) filter (where field = 'name') as name,
        max(value) filter (where field = 'birth_on') as birth_on,
        max(value) filter (where field = 'gender') as gender,
        max(value) filter (where field = 'language') as language,
        max(value) filter (where field = 'address') as address,
        max(value) filter (where field = 'email_client') as email_client,
        jsonb_object_agg(field, stream) as winners
    from winner
    group by person_id
),

interest as (
    select
        l.person_id,
        array_agg(distinct lower(btrim(i.interest)) order by lower(btrim(i.interest))) as interests
    from live as l
    inner join staging.person_record as p on l.stream = p.stream and l.record_key = p.record_key
    cross join lateral unnest(p.interests) as i (interest)
    where
        l.shape = 'person'
        and btrim(i.interest) <> ''
    group by l.person_id
),

person as (
    select
        person_id,
        min(first_seen_at) as customer_since,
        bool_or(shape = 'person') as has_record
    from live
    group by person_id
),

named as ( -- of those whom no source keeps: who gave more than a thing that people use, as a browser is
    select distinct p.person_id
    from person as p
    inner join live as l on p.person_id = l.person_id
    inner join identity.edge as e on l.record_id = e.record_id
    inner join identity.identifier as i on e.identifier_id = i.identifier_id
    left join identity.identifier_rule as r on i.type = r.type
    where
        not p.has_record
        and r.users_above is null
),

golden as (
    select
        p.person_id,
        c.email[1] as email,
        c.phone[1] as phone,
        c.name[1] as first_name,
        c.name[2] as last_name,
        c.birth_on[1]::date as birth_on,
        c.gender[1] as gender,
        c.language[1] as language,
        c.address[1] as country,
        c.address[2] as region,
        c.address[3] as city,
        c.address[4] as postcode,
        coalesce(i.interests, '{}') as interests,
        c.email_client[1] as email_client,
        p.customer_since,
        p.has_record or n.person_id is not null as is_known,
        jsonb_strip_nulls(
            coalesce(c.winners, '{}') - array['name', 'address']
            || jsonb_build_object(
                'first_name', case when c.name[1] is not null then c.winners -> 'name' end,
                'last_name', case when c.name[2] is not null then c.winners -> 'name' end,
                'country', case when c.address[1] is not null then c.winners -> 'address' end,
                'region', case when c.address[2] is not null then c.winners -> 'address' end,
                'city', case when c.address[3] is not null then c.winners -> 'address' end,
                'postcode', case when c.address[4] is not null then c.winners -> 'address' end
            )
        ) as winners
    from person as p
    left join chosen as c on p.person_id = c.person_id
    left join interest as i on p.person_id = i.person_id
    left join named as n on p.person_id = n.person_id
),

hashed as (
    select
        g.*,
        sha256(convert_to(
            jsonb_build_array(
                g.email, g.phone, g.first_name, g.last_name, g.birth_on, g.gender, g.language, g.country, g.region,
                g.city, g.postcode, g.interests, g.email_client, extract(epoch from g.customer_since)
            )::text,
            'UTF8'
        )) as row_hash
    from golden as g
)

insert into profile.person as o (
    person_id, email, phone, first_name, last_name, birth_on, gender, language, country, region, city, postcode,
    interests, email_client, customer_since, is_known, winners, row_hash
)
select
    person_id, email, phone, first_name, last_name, birth_on, gender, language, country, region, city, postcode,
    interests, email_client, customer_since, is_known, winners, row_hash
from hashed
on conflict (person_id) do update
    set
        email = excluded.email,
        phone = excluded.phone,
        first_name = excluded.first_name,
        last_name = excluded.last_name,
        birth_on = excluded.birth_on,
        gender = excluded.gender,
        language = excluded.language,
        country = excluded.country,
        region = excluded.region,
        city = excluded.city,
        postcode = excluded.postcode,
        interests = excluded.interests,
        email_client = excluded.email_client,
        customer_since = excluded.customer_since,
        is_known = excluded.is_known,
        winners = excluded.winners,
        row_hash = excluded.row_hash
    where
    o.row_hash is distinct from excluded.row_hash
    or (o.winners, o.is_known) is distinct from (excluded.winners, excluded.is_known)
