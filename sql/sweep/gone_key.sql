-- Every key that the source had and has no longer.
create temporary table gone_key (record_key text not null) on commit drop
