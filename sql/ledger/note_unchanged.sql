-- Persons who changed in something this destination does not carry: their row is noted, so that the next plan passes them
-- over again. `row_hash` is the one seen before the comparison; a change since then is seen by the next plan.
update audience.member
set row_hash = concerned.row_hash
from pg_temp.concerned
where
    member.audience_id = %(audience_id)s
    and member.person_id = concerned.person_id
    and member.acknowledged = 'present'
    and member.attempt_state is null
    and concerned.row_hash is not null
    and member.row_hash is distinct from concerned.row_hash
    and not exists (
        select from pg_temp.plan_row
        where plan_row.person_id = member.person_id and plan_row.identifier_hash = member.identifier_hash
    )
