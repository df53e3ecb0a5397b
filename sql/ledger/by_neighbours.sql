-- For this transaction: the persons of a window are neighbours in the order of ids, and so many of all persons that each
-- table's stretch between the first and the last of them is read and joined by hash, at half the cost of look-ups.
select
    set_config('enable_seqscan', 'off', true),
    set_config('enable_nestloop', 'off', true),
    set_config('enable_mergejoin', 'off', true)
