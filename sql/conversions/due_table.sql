-- The orders of this run that are due, in this session: filled once by conversions/due, handed out in parts by conversions/take.
create temporary table if not exists conversion_due (
    ordinal bigint generated always as identity primary key,
    stream text not null,
    order_key text not null,
    transaction_id text not null,
    person_id uuid not null,
    ordered_at timestamptz not null,
    value_minor bigint not null,
    currency char(3) not null,
    restated boolean not null
)
