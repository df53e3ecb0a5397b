-- One row per candidate record in which a column has the kind of value that is to be discarded, or, of a lost column (`found`
-- is empty), that landed after the loss without it: it is set aside, for it would empty what staging knows.
insert into ops.quarantine (batch_id, stream, raw_id, record_key, rule, reason, changed_at)
select distinct on (c.raw_id)
    c.batch_id,
    c.stream,
    c.raw_id,
    c.record_key,
    %(rule)s,
    %(reason)s,
    c.changed_at
from candidate as c
inner join raw.record as r on r.stream = %(stream)s and c.raw_id = r.raw_id
where
    c.batch_id = any(%(batch_ids)s)
    and c.batch_id > %(after_batch_id)s
    and coalesce(r.payload::jsonb #>> %(part_steps)s::text[], '') = %(part)s
    and coalesce(ops.json_kind(r.payload::jsonb #> %(steps)s::text[]), '') = %(found)s
on conflict (raw_id, rule) do nothing
