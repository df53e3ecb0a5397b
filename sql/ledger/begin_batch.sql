-- One call that is about to be made, with its identifiers as they go over the wire. Until an answer is written the
-- platform may have applied it or not.
insert into audience.batch (
    batch_id, sync_id, audience_id, operation, sent, unknown, started_at, identifiers, request_id
)
overriding system value
values (
    %(batch_id)s,
    %(sync_id)s,
    %(audience_id)s,
    %(operation)s,
    %(size)s,
    %(size)s,
    %(at)s,
    %(identifiers)s::json,
    %(request_id)s
)
