-- One row per audience and member the ledger holds as present: the identifiers as sent.
select
    audience.audience_key as audience,
    member.sent_identifiers as identifiers
from audience.member
join audience.audience using (audience_id)
where
    audience.destination = %(destination)s
    and member.acknowledged = 'present'
