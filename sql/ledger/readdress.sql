-- Marks changed identifiers of one and the same member: a removal of a person who is added or stays under others, and an
-- addition of a person who is removed under others. Asked only of plans that remove somebody.
update pg_temp.plan_row
set readdress = true
where
    (
        plan_row.operation = 'remove'
        and (
            exists (
                select from pg_temp.plan_row as other
                where other.person_id = plan_row.person_id and other.operation in ('add', 'update')
            )
            or exists (
                select from audience.member as other
                where
                    other.audience_id = %(audience_id)s
                    and other.person_id = plan_row.person_id
                    and (other.acknowledged = 'present' or other.attempt_state in ('sent', 'retriable'))
                    and not exists (
                        select from pg_temp.plan_row as leaving
                        where
                            leaving.person_id = other.person_id
                            and leaving.identifier_hash = other.identifier_hash
                            and leaving.operation = 'remove'
                    )
            )
        )
    )
    or (
        plan_row.operation = 'add'
        and exists (
            select from pg_temp.plan_row as other
            where other.person_id = plan_row.person_id and other.operation = 'remove' and other.was_present
        )
    )
