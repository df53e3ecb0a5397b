-- The audience is in no list any more: no list keeps anybody out.
with

left_list as (
    update audience.exclusion_state
    set list_seen = null
    where audience_id = %(audience_id)s and list_seen is not null
    returning audience_id
)

delete from audience.excluded
using left_list
where excluded.audience_id = left_list.audience_id and excluded.reason in ('priority', 'elsewhere')
