-- One row per stream that has a batch behind a failed check and was not set aside by a person: nothing may be built on what
-- stands before it.
select distinct b.stream
from ops.batch as b
where
    b.state = 'failed'
    and not exists (
        select from ops.set_aside as s
        where
            s.stream = b.stream
            and s.until_at > %(at)s
    )
order by b.stream
