-- One row per listed key.
copy listed_key (record_key) from stdin
