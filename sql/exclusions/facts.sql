-- One row: what the files say of an audience's control groups and list, and whether anybody was ever kept out.
select
    audience.controls,
    audience.priority_list,
    audience.priority_rank,
    exists(
        select from audience.exclusion_state
        where exclusion_state.audience_id = audience.audience_id
    ) as known
from audience.audience
where audience.audience_id = %(audience_id)s
