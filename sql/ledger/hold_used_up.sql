-- An approval whose removals have gone out. While the answer to one of them is not known it still covers the people shown:
-- nobody is asked twice because a call failed.
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
