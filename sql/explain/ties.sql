-- One row per pin or accepted proposal in force, or undone and still waiting for a build, that names a record of some
-- persons or of some records besides; both of its records as stitching knows them. Some rows may repeat: keyed by kind, number.
with

member as (
    select stream, record_key
    from identity.record
    where person_id = any(%(persons)s::uuid[]) or record_id = any(%(records)s::bigint[])
),

decided as (
    select
        case kind when 'merge' then 'merge pin' else 'split pin' end as kind,
        pin_id as number,
        stream_a,
        record_key_a,
        stream_b,
        record_key_b,
        who,
        why,
        created_at as decided_at,
        undone_at,
        undone_by,
        undone_why,
        settled_at,
        null::double precision as weight
    from identity.pin
    where undone_at is null or settled_at is null
    union all
    select
        'match',
        link_id,
        stream_a,
        record_key_a,
        stream_b,
        record_key_b,
        accepted_by,
        null,
        accepted_at,
        withdrawn_at,
        withdrawn_by,
        withdrawn_why,
        settled_at,
        weight
    from identity.link
    where withdrawn_at is null or settled_at is null
),

concerned as (
    select decided.*
    from member
    inner join decided on member.stream = decided.stream_a and member.record_key = decided.record_key_a
    union
    select decided.*
    from member
    inner join decided on member.stream = decided.stream_b and member.record_key = decided.record_key_b
)

select distinct on (concerned.kind, concerned.number)
    concerned.kind,
    concerned.number,
    a.record_id as record_a,
    b.record_id as record_b,
    concerned.stream_a,
    concerned.record_key_a,
    concerned.stream_b,
    concerned.record_key_b,
    a.person_id as person_a,
    b.person_id as person_b,
    concerned.who,
    concerned.why,
    concerned.decided_at,
    concerned.undone_at,
    concerned.undone_by,
    concerned.undone_why,
    concerned.settled_at,
    concerned.weight,
    refused.limited_type,
    refused.limit_count,
    refused.limit_per,
    refused.split_pin_id
from concerned
left join identity.record as a on concerned.stream_a = a.stream and concerned.record_key_a = a.record_key
left join identity.record as b on concerned.stream_b = b.stream and concerned.record_key_b = b.record_key
left join identity.refused_link as refused
    on
        refused.kind = case concerned.kind when 'merge pin' then 'pin' when 'match' then 'link' end
        and concerned.number = refused.source_id
order by concerned.kind, concerned.number
