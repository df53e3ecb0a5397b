-- Audiences that no file names any more: everybody is removed by the next sync.
update audience.audience
set active = false
where
    active
    and not exists (
        select from unnest(%(destinations)s::text[], %(keys)s::text[]) as declared (destination, audience_key)
        where declared.destination = audience.destination and declared.audience_key = audience.audience_key
    )
