-- At most one row: a proposal that is open, out of date or accepted is rejected for good; its link, if any, is withdrawn.
with

withdrawn as (
    update identity.link as l
    set
        withdrawn_at = %(at)s,
        withdrawn_by = %(who)s,
        withdrawn_why = %(why)s
    from identity.proposal as p
    where
        p.proposal_id = %(proposal_id)s
        and p.state = 'accepted'
        and l.link_id = p.link_id
        and l.withdrawn_at is null
)

update identity.proposal
set
    state = 'rejected',
    decided_at = %(at)s,
    decided_by = %(who)s,
    decided_why = %(why)s
where
    proposal_id = %(proposal_id)s
    and state <> 'rejected'
