-- Ends every open stay in a segment that no file defines any more.
update segment.membership
set
    left_at = greatest(now(), entered_at + interval '1 microsecond'),
    left_version = version,
    left_reason = 'retired'
where left_at is null and segment <> all(%(segments)s::text[])
