-- Keep autovacuum's analyze off what this build writes, until it commits: it would count the rows of a transaction it cannot
-- see as none, and from then on every join is planned as a walk through one row. Nobody else who reads or writes waits.
-- The work tables need no mention: 00_clear, in the same transaction, keeps everybody else off them.
lock table
identity.record,
identity.identifier,
identity.normal_form,
identity.edge,
identity.bundle_row,
identity.unusable_value,
identity.person,
identity.redirect,
identity.refused_link,
identity.island,
identity.record_history,
profile.person,
profile.person_order,
profile.person_event,
profile.trait,
consent.ledger,
consent.person_consent
in share update exclusive mode
