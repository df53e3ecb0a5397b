-- One row a person and call that was answered: what was sent, under which identifiers, and what became of it. Read it by
-- batch_id. Settling calls of additions and of removals asks it, so `offset 0` keeps the way it is read: batch, its rows one
-- by one through the keys, whatever the planner makes of tables that are being filled.
create view audience.answered as
select
    batch.batch_id,
    batch.operation,
    batch.job_id is not null as has_job,
    batch.started_at,
    batch.ended_at,
    sent.batch_row,
    sent.audience_id,
    sent.person_id,
    sent.identifier_hash,
    sent.email_key,
    sent.phone_key,
    sent.payload_hash,
    sent.row_hash,
    sent.membership_id,
    sent.consent_id,
    sent.kept, -- identifiers that a removal leaves in place
    named.identifiers, -- as they went over the wire
    array(select jsonb_object_keys(named.identifiers)) as names, -- of them
    coalesce(line.outcome, batch.outcome) as outcome,
    coalesce(line.outcome, batch.outcome) in ('accepted', 'confirmed') as taken,
    coalesce(line.absent, false) as absent,
    case when line.outcome is null then batch.error_code else line.error_code end as error_code,
    case when line.outcome is null then batch.outcome_text else line.error_text end as error_text
from audience.batch
left join lateral (
    select true as somebody
    from audience.line as any_line
    where any_line.batch_id = batch.batch_id
    limit 1
) as told on true
cross join lateral jsonb_array_elements(batch.identifiers::jsonb) with ordinality as named (identifiers, position)
cross join
    lateral (
        select sent.*
        from audience.sent
        where sent.batch_id = batch.batch_id and sent.batch_row = (named.position - 1)::int
        offset 0
    ) as sent
left join lateral (
    select
        line.outcome,
        line.absent,
        line.error_code,
        line.error_text
    from audience.line
    where told.somebody and line.batch_id = batch.batch_id and line.batch_row = sent.batch_row
    offset 0
) as line on true;
