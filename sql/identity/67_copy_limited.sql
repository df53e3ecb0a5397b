-- Takes the records of the components that are stitched link by link.
copy identity.work_limited (record_id, island_id) from stdin (format binary)
