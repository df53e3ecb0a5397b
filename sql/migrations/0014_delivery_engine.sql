-- The delivery ledger writes each person twice a delivery instead of five times: one line before the call, which is also
-- the delivery log, and the member row after the answer. What a platform answered about a whole batch is said once, on
-- the batch; only those whom it named otherwise have a line of their own.

-- Who must not be in an audience whatever the segment says: control groups, priority lists.
create table if not exists audience.excluded (
    audience_id bigint not null,
    person_id uuid not null,
    reason text not null,
    primary key (audience_id, person_id)
);

-- The delivery log so far: one line a person and answer. From now on only lines that do not follow from a batch: people
-- whom an answer named, and what was settled without a call. Those of before stay as they are.
drop index audience.delivery_person_id_idx;
drop index audience.delivery_batch_id_idx;
alter table audience.delivery rename to line;
alter table audience.line alter column delivery_id drop identity;
create sequence audience.delivery_number as bigint owned by audience.line.delivery_id;
select setval('audience.delivery_number', (select coalesce(max(line.delivery_id), 0) + 1 from audience.line), false);
alter table audience.line alter column delivery_id set default nextval('audience.delivery_number');
create index on audience.line (person_id);
create index on audience.line (batch_id, batch_row);

-- One row per person and call, written before the call: who is in it, why, and the state of the person that is sent.
-- Append-only. What became of it: the person's own line if there is one, else the batch's outcome.
create table audience.sent (
    delivery_id bigint not null default nextval('audience.delivery_number'),
    batch_id bigint not null,
    batch_row int not null,      -- position within the batch, from 0
    audience_id bigint not null,
    person_id uuid not null,
    identifier_hash uuid not null,
    email_key uuid,              -- md5 of each identifier: who else of the audience carries it
    phone_key uuid,
    payload_hash uuid,           -- of all that is sent; null: a removal
    row_hash bytea,
    membership_id bigint,
    consent_id bigint,
    segment_version text,
    kept text[],                 -- identifiers a removal leaves in place, because somebody else carries them too
    primary key (batch_id, batch_row)
);
create index on audience.sent (person_id);
create trigger append_only before update or delete on audience.sent
for each statement execute function ops.refuse_change();

-- What became of everybody in the batch who has no line of their own; null: the call has no answer yet. The identifiers
-- are kept as they went over the wire, a list in the order of the rows, until the batch is settled.
alter table audience.batch
add column outcome text check (outcome in ('accepted', 'confirmed', 'rejected', 'retriable', 'debt', 'unknown')),
add column outcome_text text,
add column identifiers json;
alter table audience.batch alter column identifiers set storage external; -- gone within seconds: not worth packing
update audience.batch
set outcome = case batch.state when 'failed' then 'retriable' else batch.state end
where batch.state <> 'sent';
create index on audience.batch (audience_id, batch_id) where state in ('sent', 'accepted');

-- The same person and set of identifiers as before; the keys of identifiers as columns, and rows that are written once.
alter table audience.member add column email_key uuid, add column phone_key uuid;
update audience.member
set email_key = (member.identifier_keys ->> 'email')::uuid, phone_key = (member.identifier_keys ->> 'phone')::uuid
where member.identifier_keys is not null;
alter table audience.member drop column identifier_keys;
alter table audience.member set (fillfactor = 85);

-- Calls that a killed run left without an answer, in the new form: the next run closes them like its own.
insert into audience.sent (
    batch_id, batch_row, audience_id, person_id, identifier_hash, email_key, phone_key, payload_hash, membership_id, consent_id
)
select
    member.batch_id,
    row_number() over (partition by member.batch_id order by member.person_id, member.identifier_hash) - 1,
    member.audience_id,
    member.person_id,
    member.identifier_hash,
    member.email_key,
    member.phone_key,
    member.attempt_payload_hash,
    member.membership_id,
    member.consent_id
from audience.member
inner join audience.batch on member.batch_id = batch.batch_id
where batch.state = 'sent' and member.attempt_state = 'sent';
update audience.batch
set identifiers = given.identifiers
from (
    select
        sent.batch_id,
        json_agg(coalesce(member.attempt_identifiers, '{}') order by sent.batch_row) as identifiers
    from audience.sent
    inner join audience.member
        on
            sent.audience_id = member.audience_id
            and sent.person_id = member.person_id
            and sent.identifier_hash = member.identifier_hash
    group by sent.batch_id
) as given
where batch.batch_id = given.batch_id;

-- What happened to whom: one row per person and call that has an answer (or never will), and per settlement without one.
create view audience.delivery as
select
    line.delivery_id,
    line.audience_id,
    line.person_id,
    line.batch_id,               -- null: settled without a call, the identifier belongs to somebody who stays
    line.batch_row,
    line.operation,
    line.outcome,
    line.error_code,
    line.error_text,
    line.membership_id,
    line.consent_id,
    line.segment_version,
    line.at
from audience.line
union all
select
    sent.delivery_id,
    sent.audience_id,
    sent.person_id,
    sent.batch_id,
    sent.batch_row,
    batch.operation,
    batch.outcome,
    case when batch.outcome not in ('accepted', 'confirmed') then batch.error_code end as error_code,
    batch.outcome_text as error_text,
    sent.membership_id,
    sent.consent_id,
    sent.segment_version,
    coalesce(batch.ended_at, batch.started_at) as at
from audience.sent
inner join audience.batch on sent.batch_id = batch.batch_id
where
    batch.outcome is not null
    and not exists (
        select from audience.line
        where line.batch_id = sent.batch_id and line.batch_row = sent.batch_row
    );
