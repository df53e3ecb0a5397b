-- One row per released quarantine row this publication is about: in the candidate means published now, else a newer
-- version stands in staging already. A row that broke a second rule and is still held for it waits; so does one that a newer,
-- held version of its record kept out of the candidate: the next publication brings it.
update ops.quarantine as q
set
    state = case when c.raw_id is null then 'superseded' else 'published' end,
    published_at = case when c.raw_id is not null then now() end
from ops.quarantine as released
left join (select distinct raw_id from candidate) as c on released.raw_id = c.raw_id
where
    q.quarantine_id = released.quarantine_id
    and released.stream = %(stream)s
    and released.state = 'released'
    and (released.raw_id = any(%(released_ids)s) or released.batch_id = any(%(batch_ids)s))
    and not exists (
        select from ops.quarantine as other
        where
            other.raw_id = released.raw_id -- noqa: RF01
            and other.state = 'held'
    )
    and (
        c.raw_id is not null
        or not exists (
            select from ops.quarantine as newer
            where
                newer.stream = %(stream)s
                and newer.record_key = released.record_key -- noqa: RF01
                and newer.state = 'held'
                and newer.batch_id = any(%(batch_ids)s)
                and checking.is_newer(newer.changed_at, newer.raw_id, released.changed_at, released.raw_id) -- noqa: RF01
        )
    )
