-- One row a person and call that was answered: what was sent, under which identifiers, and what became of it. Read it by
-- batch_id. Settling calls of additions and of removals asks it, so `offset 0` keeps the way it is read, whatever the planner
-- makes of tables that are being filled: a batch, its identifiers taken apart once, its rows through their key.
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
    call.identifiers -> sent.batch_row as identifiers, -- as they went over the wire
    array(select jsonb_object_keys(call.identifiers -> sent.batch_row)) as names, -- of them
    coalesce(line.outcome, batch.outcome) as outcome,
    coalesce(line.outcome, batch.outcome) in ('accepted', 'confirmed') as taken,
    coalesce(line.absent, false) as absent,
    case when line.outcome is null then batch.error_code else line.error_code end as error_code,
    case when line.outcome is null then batch.outcome_text else line.error_text end as error_text
from audience.batch
cross join
    lateral (
        select
            batch.identifiers::jsonb as identifiers,
            exists(select from audience.line as any_line where any_line.batch_id = batch.batch_id) as names_somebody
        from (values (1)) as once (number)
        offset 0
    ) as call
cross join
    lateral (
        select sent.*
        from audience.sent
        where sent.batch_id = batch.batch_id
        offset 0
    ) as sent
left join lateral (
    select
        line.outcome,
        line.absent,
        line.error_code,
        line.error_text
    from audience.line
    where call.names_somebody and line.batch_id = batch.batch_id and line.batch_row = sent.batch_row
    offset 0
) as line on true
where batch.identifiers is not null;
