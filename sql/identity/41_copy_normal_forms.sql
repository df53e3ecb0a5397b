-- Takes back one row per raw value: its normal form, or why it has none.
copy identity.normal_form (type, raw_value, country, value, reason) from stdin
