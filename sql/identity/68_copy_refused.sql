-- Takes one row per link that was refused, with its reason.
copy identity.work_refused (
    kind, record_id, identifier_id, other_record_id, source_id, reason, limited_type, limit_count, limit_per, split_pin_id
) from stdin
