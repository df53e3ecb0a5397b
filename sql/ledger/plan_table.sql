-- One row per change an audience needs, numbered by operation: a batch is a range of numbers. Of this session only.
create temporary table if not exists plan_row (
    ordinal bigint generated always as identity primary key,
    operation text not null,
    person_id uuid not null,
    identifier_hash uuid not null,
    identifier_keys jsonb,
    payload_hash uuid,
    row_hash bytea,
    membership_id bigint,
    consent_id bigint,
    was_present boolean not null,
    readdress boolean not null,
    kept text[] not null default '{}'
)
