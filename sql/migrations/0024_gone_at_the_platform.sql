-- Whether the platform said, refusing an update, that it no longer holds the person at all: the ledger then holds them as
-- absent. Otherwise a refused update leaves there who was there.
alter table audience.line add column absent boolean not null default false;

-- Finds the records that a platform deleted since a time, for sources that are destinations as well.
create index on identity.record (stream, withdrawn_at) where withdrawn_at is not null;
