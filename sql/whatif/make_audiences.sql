-- Who belongs into which audience, before and after the other rules. For the length of the transaction.
create temporary table whatif_audience (
    after_rules boolean not null,
    destination text not null,
    audience text not null,
    person_id uuid not null
) on commit drop
