-- One row per published batch of the stream that landed in the span, open once more.
update ops.batch
set
    state = 'landed',
    replaying = true
where
    stream = %(stream)s
    and state = 'published'
    and landed_rows > 0
    and landed_at >= %(since)s
    and landed_at < %(until)s
returning batch_id
