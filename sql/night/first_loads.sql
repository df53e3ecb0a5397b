-- One row per stream whose first rows have landed and were never published, until the first person was built: persons of
-- half the sources are others than those of all, and would be sent as what they are not. Later nobody waits for a new source.
select distinct landed.stream
from ops.batch as landed
where
    landed.landed_rows > 0
    and landed.state in ('landed', 'checked')
    and not exists (
        select from ops.batch as published
        where
            published.stream = landed.stream
            and published.state = 'published'
    )
    and not exists (
        select from ops.set_aside
        where
            set_aside.stream = landed.stream
            and set_aside.until_at > %(at)s
    )
    and not exists (select from identity.person)
order by landed.stream
