-- One row per merge and split that a person, under today's id or a former one, had part in, newest first: how many records
-- moved, and the pin made, or undone, before it about one that moved and one that was there. Without one: records and rules.
with

changed as (
    select
        change_id,
        kind,
        from_person_id,
        to_person_id,
        changed_at
    from identity.person_change
    where from_person_id = any(%(ids)s::uuid[]) or to_person_id = any(%(ids)s::uuid[])
    order by changed_at desc, change_id desc
    limit %(most)s
),

moved as (
    select
        changed.change_id,
        record.record_id,
        record.stream,
        record.record_key
    from changed
    inner join identity.record_history as history
        on changed.to_person_id = history.person_id and changed.changed_at = history.valid_from
    inner join identity.record_history as before
        on
            history.record_id = before.record_id
            and changed.from_person_id = before.person_id
            and changed.changed_at = before.valid_to
    inner join identity.record on history.record_id = record.record_id
),

decision as (
    select
        pin_id,
        kind,
        'pin ' || pin_id || ': ' || kind as action,
        stream_a,
        record_key_a,
        stream_b,
        record_key_b,
        who,
        why,
        created_at as decided_at
    from identity.pin
    union all
    select
        pin_id,
        case kind when 'merge' then 'split' else 'merge' end,
        'pin ' || pin_id || ' undone',
        stream_a,
        record_key_a,
        stream_b,
        record_key_b,
        undone_by,
        undone_why,
        undone_at
    from identity.pin
    where undone_at is not null
)

select
    changed.kind,
    changed.changed_at,
    changed.from_person_id,
    changed.to_person_id,
    (
        select count(*)
        from moved
        where moved.change_id = changed.change_id
    ) as records,
    cause.action,
    cause.who,
    cause.why
from changed
left join lateral (
    select
        decision.action,
        decision.who,
        decision.why
    from decision
    inner join moved
        on
            changed.change_id = moved.change_id
            and (
                (decision.stream_a = moved.stream and decision.record_key_a = moved.record_key)
                or (decision.stream_b = moved.stream and decision.record_key_b = moved.record_key)
            )
    where decision.kind = changed.kind and decision.decided_at <= changed.changed_at
    order by decision.decided_at desc, decision.pin_id desc
    limit 1
) as cause on true
order by changed.changed_at desc, changed.change_id desc
