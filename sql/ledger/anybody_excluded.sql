-- One row: whether anybody must not be in this audience.
select exists(
    select from audience.excluded
    where excluded.audience_id = %(audience_id)s
) as anybody
