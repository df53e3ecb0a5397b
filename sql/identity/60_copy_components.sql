-- Takes back the root of each record that is linked to anything.
copy identity.work_component (record_id, root) from stdin (format binary)
