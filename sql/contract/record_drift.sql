-- One row per change found by this check; its first sight stays. What was open and is not found any more is over.
with

found_now as (
    select d.*
    from jsonb_to_recordset(%(drift)s::jsonb) as d (
        part text, path text, kind text, expected text, found text, mode text, state text, rows bigint, of_rows bigint,
        batch_id bigint, first_seen_at timestamptz
    )
),

over as (
    update ops.schema_drift as s
    set state = 'over'
    where
        s.stream = %(stream)s
        and (s.state = 'open' or (s.state = 'discarded' and s.kind <> 'new_column'))
        and not exists (
            select from found_now as f
            where
                f.part = s.part
                and f.path = s.path
                and f.kind = s.kind
                and f.found = s.found
        )
)

insert into ops.schema_drift as s (
    stream, part, path, kind, expected, found, mode, state, rows, of_rows, batch_id, first_seen_at
)
select
    %(stream)s,
    f.part,
    f.path,
    f.kind,
    f.expected,
    f.found,
    f.mode,
    f.state,
    f.rows,
    f.of_rows,
    f.batch_id,
    f.first_seen_at
from found_now as f
on conflict (stream, part, path, kind, found) do update
    set
        expected = excluded.expected,
        mode = excluded.mode,
        state = excluded.state,
        rows = excluded.rows,
        of_rows = excluded.of_rows,
        last_seen_at = now(),
        decided_by = null,
        decided_at = null
