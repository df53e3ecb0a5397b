-- One row per landed record; sent in binary, in this order.
copy raw.record (batch_id, stream, record_key, payload, payload_hash) from stdin (format binary)
