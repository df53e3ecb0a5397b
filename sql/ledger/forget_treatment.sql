-- The destination carries other identifiers or fields than at the last plan, or treats them otherwise: everybody is
-- compared field by field once. No row when nothing changed.
with

changed as (
    update audience.audience
    set treatment = %(treatment)s
    where audience_id = %(audience_id)s and treatment is distinct from %(treatment)s
    returning audience_id
)

update audience.member
set row_hash = null
from changed
where member.audience_id = changed.audience_id and member.row_hash is not null
