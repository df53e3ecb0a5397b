-- One row per record of tonight's sources: new, seen again, or back after it was withdrawn.
insert into identity.record as r (shape, stream, record_key, first_seen_at, name_key)
select
    shape,
    stream,
    record_key,
    first_seen_at,
    name_key
from identity.work_source
on conflict (stream, record_key) do update
    set
        first_seen_at = case
            when r.shape = 'bundle' then least(r.first_seen_at, excluded.first_seen_at)
            else excluded.first_seen_at
        end,
        name_key = excluded.name_key,
        withdrawn_at = null
    where
    r.withdrawn_at is not null
    or r.name_key is distinct from excluded.name_key
    or (r.shape = 'person' and r.first_seen_at is distinct from excluded.first_seen_at)
    or (r.shape = 'bundle' and r.first_seen_at > excluded.first_seen_at)
