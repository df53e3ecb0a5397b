-- Writes down, before the call, that these orders are being told, with the value, buyer and consent that go out.
insert into conversion.told as told (
    destination, action_id, transaction_id, stream, order_key, person_id, consent_id, currency, attempt_minor, attempt_state,
    batch_id, batch_row, tries
)
select
    %(destination)s,
    %(action_id)s,
    given.transaction_id,
    given.stream,
    given.order_key,
    given.person_id,
    given.consent_id,
    given.currency,
    given.value_minor,
    'sent',
    %(batch_id)s,
    given.batch_row,
    1
from
    unnest(
        %(transaction_ids)s::text[],
        %(streams)s::text[],
        %(order_keys)s::text[],
        %(persons)s::uuid[],
        %(consents)s::bigint[],
        %(currencies)s::text[],
        %(values)s::bigint[],
        %(rows)s::int[]
    ) as given (transaction_id, stream, order_key, person_id, consent_id, currency, value_minor, batch_row)
on conflict (destination, action_id, transaction_id) do update
    set
        person_id = excluded.person_id,
        consent_id = excluded.consent_id,
        currency = excluded.currency,
        attempt_minor = excluded.attempt_minor,
        attempt_state = 'sent',
        batch_id = excluded.batch_id,
        batch_row = excluded.batch_row,
        tries = told.tries + 1,
        error_code = null,
        error_text = null
