-- consent: who agreed to what, when, by which source. Append-only; unknown = no.
create schema consent;

create table consent.ledger (
    consent_id bigint generated always as identity primary key,
    identifier_type text not null,   -- the person's identifier that the statement was made under
    identifier_value text not null,  -- normal form
    purpose text not null check (purpose in ('email', 'ads')),
    state text not null check (state in ('granted', 'withdrawn')),
    occurred_at timestamptz not null,
    stream text not null,
    record_key text not null,
    text_version text,
    recorded_at timestamptz not null default now(),
    unique (stream, record_key, identifier_type, identifier_value, purpose, state, occurred_at)
);
create index on consent.ledger (identifier_type, identifier_value, purpose, occurred_at desc);
create trigger append_only before update or delete on consent.ledger
for each statement execute function ops.refuse_change();

-- Today's answer per person and purpose; only persons with any statement have a row. Rebuilt by build_persons.
-- Per identifier the newest statement counts (a tie: withdrawn); over a person's identifiers the strictest.
create table consent.person_consent (
    person_id uuid not null,
    purpose text not null,
    state text not null check (state in ('granted', 'withdrawn')),
    consent_id bigint not null references consent.ledger,   -- the statement that decides
    primary key (person_id, purpose)
);
create index on consent.ledger (stream, record_key);
