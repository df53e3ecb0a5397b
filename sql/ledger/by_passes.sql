-- For this transaction: everybody is passed once and joined by hash. Postgres does not know how many people an audience has
-- that has grown since it last counted, takes them for few, and would look at all others for each of them.
select set_config('enable_nestloop', 'off', true)
