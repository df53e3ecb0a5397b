-- For this transaction: tables are passed once and joined by hash.
select
    set_config('enable_nestloop', 'off', true),
    set_config('enable_mergejoin', 'off', true)
