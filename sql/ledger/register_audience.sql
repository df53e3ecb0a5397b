-- One audience as its segment's file declares it. Options may change, also the segment behind an audience.
insert into audience.audience (destination, audience_key, segment, purpose, options)
values (%(destination)s, %(key)s, %(segment)s, %(purpose)s, %(options)s::jsonb)
on conflict (destination, audience_key) do update set
    segment = excluded.segment,
    purpose = excluded.purpose,
    options = excluded.options,
    active = true
