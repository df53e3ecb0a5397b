-- Every key the source has at this moment, as often as its pages told it.
create temporary table listed_key (record_key text not null) on commit drop
