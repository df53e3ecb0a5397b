-- What was kept is joined by record and by link: the planner is told how much it is.
analyze pg_temp.whatif_before, pg_temp.whatif_dropped
