-- One row per mailing of any source whose records one mapping describes: the newest version that landed in the given
-- batches. A mailing the source deleted gives no row.
with

picked as materialized (
    select
        n.stream,
        n.record_key,
        n.raw_id,
        n.batch_id,
        n.payload_hash,
        staging.pick(n.payload, %(created_at)s::text[], %(created_at_else)s::text[]) as created_at,
        staging.pick(n.payload, %(changed_at)s::text[], %(changed_at_else)s::text[]) as changed_at,
        lower(staging.pick(n.payload, %(deleted)s::text[], %(deleted_else)s::text[])) as deleted,
        staging.pick(n.payload, %(name)s::text[], %(name_else)s::text[]) as name,
        staging.pick(n.payload, %(subject)s::text[], %(subject_else)s::text[]) as subject,
        staging.pick(n.payload, %(channel)s::text[], %(channel_else)s::text[]) as channel,
        staging.pick(n.payload, %(state)s::text[], %(state_else)s::text[]) as state,
        staging.pick(n.payload, %(sent_at)s::text[], %(sent_at_else)s::text[]) as sent_at,
        staging.pick(n.payload, %(recipients)s::text[], %(recipients_else)s::text[]) as recipients,
        staging.pick(n.payload, %(opened)s::text[], %(opened_else)s::text[]) as opened,
        staging.pick(n.payload, %(clicked)s::text[], %(clicked_else)s::text[]) as clicked,
        staging.pick(n.payload, %(bounced)s::text[], %(bounced_else)s::text[]) as bounced,
        staging.pick(n.payload, %(unsubscribed)s::text[], %(unsubscribed_else)s::text[]) as unsubscribed
    from staging.newest(%(stream)s, %(batch_ids)s::bigint[]) as n
),

cast_row as (
    select
        *,
        staging.read_time(created_at, %(constant_timezone)s::text, %(constant_date_order)s::text) as created,
        staging.read_time(changed_at, %(constant_timezone)s::text, %(constant_date_order)s::text) as changed,
        staging.read_time(sent_at, %(constant_timezone)s::text, %(constant_date_order)s::text) as sent,
        staging.read_number(recipients) as recipient_count,
        staging.read_number(opened) as opened_count,
        staging.read_number(clicked) as clicked_count,
        staging.read_number(bounced) as bounced_count,
        staging.read_number(unsubscribed) as unsubscribed_count
    from picked
    where not coalesce(deleted in ('true', 't', '1', 'yes', 'archived', 'deleted'), false)
)

select
    stream,
    record_key,
    raw_id,
    batch_id,
    payload_hash,
    created as created_at,
    changed as changed_at,
    name,
    subject,
    channel,
    state,
    sent as sent_at,
    round(recipient_count)::bigint as recipients,
    round(opened_count)::bigint as opened,
    round(clicked_count)::bigint as clicked,
    round(bounced_count)::bigint as bounced,
    round(unsubscribed_count)::bigint as unsubscribed,
    array_remove(array[
        case when created_at is not null and created is null then 'created_at' end,
        case when changed_at is not null and changed is null then 'changed_at' end,
        case when sent_at is not null and sent is null then 'sent_at' end,
        case when recipients is not null and recipient_count is null then 'recipients' end,
        case when opened is not null and opened_count is null then 'opened' end,
        case when clicked is not null and clicked_count is null then 'clicked' end,
        case when bounced is not null and bounced_count is null then 'bounced' end,
        case when unsubscribed is not null and unsubscribed_count is null then 'unsubscribed' end
    ], null) as bad_casts
from cast_row
