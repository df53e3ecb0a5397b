-- An approval whose removals have gone out. While the answer to one of them is not known, or somebody waits for the newcomer
-- for whom an identifier was kept, it still covers the people shown: nobody is asked twice because a call failed.
update audience.hold
set state = 'closed', closed_at = %(at)s
where
    audience_id = %(audience_id)s
    and state = 'approved'
    and not exists (
        select from audience.hold_removal as shown
        inner join audience.member on shown.person_id = member.person_id
        where
            shown.hold_id = hold.hold_id
            and member.audience_id = %(audience_id)s
            and member.operation = 'remove'
            and member.attempt_state in ('sent', 'retriable')
    )
    and not exists (
        select from audience.hold_removal as shown
        inner join pg_temp.plan_row on shown.person_id = plan_row.person_id
        inner join audience.member
            on
                member.audience_id = %(audience_id)s
                and plan_row.person_id = member.person_id
                and plan_row.identifier_hash = member.identifier_hash
        where
            shown.hold_id = hold.hold_id
            and plan_row.operation = 'remove'
            and plan_row.kept <> '{}'
            and member.acknowledged = 'present'
    )
