-- raw: each stream's records exactly as sent, append-only. One partition a stream; a source's own
-- migration adds its partitions.
create schema raw;

create table raw.record (
    raw_id bigint generated always as identity,
    batch_id bigint not null,
    stream text not null,
    record_key text not null,
    payload json not null,       -- the text as sent: json keeps it to the byte, jsonb would not
    payload_hash bytea not null, -- sha-256 of the payload's text
    landed_at timestamptz not null default now(),
    primary key (stream, raw_id)
) partition by list (stream);
create index on raw.record (stream, batch_id);
create index on raw.record (stream, record_key);
