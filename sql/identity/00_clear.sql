-- Empty the work tables of the run before.
truncate
identity.work_key,
identity.work_source,
identity.work_bundle,
identity.work_touched,
identity.work_order,
identity.work_event,
identity.work_value,
identity.work_last_word,
identity.work_new_value,
identity.work_carried,
identity.work_identifier,
identity.work_scope,
identity.work_pair,
identity.work_parent,
identity.work_component,
identity.work_assignment,
identity.work_former,
identity.work_link,
identity.work_split,
identity.work_limited,
identity.work_refused
restart identity
