-- Audiences that no file names any more: everybody is removed by the next sync. They keep their place on a list until
-- then: nobody comes in elsewhere before they have let go.
update audience.audience
set active = false
where
    active
    and not exists (
        select from unnest(%(destinations)s::text[], %(keys)s::text[]) as declared (destination, audience_key)
        where declared.destination = audience.destination and declared.audience_key = audience.audience_key
    )
