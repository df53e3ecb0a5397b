-- One audience as its segment's file declares it. Options may change, also the segment behind an audience.
insert into audience.audience (
    destination, audience_key, segment, purpose, options, controls, priority_list, priority_rank
)
values (
    %(destination)s,
    %(key)s,
    %(segment)s,
    %(purpose)s,
    %(options)s::jsonb,
    %(controls)s::jsonb,
    %(priority_list)s,
    %(priority_rank)s
)
on conflict (destination, audience_key) do update set
    segment = excluded.segment,
    purpose = excluded.purpose,
    options = excluded.options,
    controls = excluded.controls,
    priority_list = excluded.priority_list,
    priority_rank = excluded.priority_rank,
    active = true
