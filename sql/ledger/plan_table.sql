-- One row per change an audience needs, numbered by operation: a batch is a range of numbers. Of this session only; the key is
-- made when the rows are there.
-- `readdress`: the person stays or stayed a member, under other identifiers; neither a new member nor a leaver.
create temporary table plan_row (
    ordinal bigint generated always as identity,
    operation text not null,
    person_id uuid not null,
    identifier_hash uuid not null,
    email_key uuid,
    phone_key uuid,
    payload_hash uuid,
    row_hash bytea,
    membership_id bigint,
    consent_id bigint,
    segment_version text,
    was_present boolean not null,
    readdress boolean not null default false,
    waits boolean not null default false, -- a removal that a person has to approve
    own boolean,                 -- the membership is the person's own, not that of somebody merged into them
    kept text[] not null default '{}'
)
