-- For this transaction: its few persons are looked up through keys, one by one. The planner does not know the size of tables
-- that are being filled, and reading a million rows for five thousand is what it would do.
select
    set_config('enable_seqscan', 'off', true),
    set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true)
