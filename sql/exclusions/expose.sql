-- The first time that a platform took a person who is treated, by the requests since the last look. The audience is
-- locked and its delivery over, so that every request that counts has its answer.
with

asked as materialized (
    select
        batch.batch_id,
        batch.operation,
        batch.outcome,
        coalesce(batch.ended_at, batch.started_at) as at
    from audience.batch
    where
        batch.audience_id = %(audience_id)s
        and batch.batch_id > (
            select exclusion_state.batch_id
            from audience.exclusion_state
            where exclusion_state.audience_id = %(audience_id)s and cardinality(exclusion_state.experiments) > 0
        )
),

named as materialized ( -- by an answer, whatever became of the others of their request
    select
        line.batch_id,
        line.batch_row,
        line.person_id,
        line.outcome,
        line.at
    from audience.line
    where line.batch_id = any(array(select asked.batch_id from asked where asked.operation = 'add'))
),

whole as (
    select asked.batch_id
    from asked
    where asked.operation = 'add' and asked.outcome in ('accepted', 'confirmed')
),

accepted as (
    select
        named.person_id,
        named.at
    from named
    where named.outcome in ('accepted', 'confirmed')
    union all
    select
        sent.person_id,
        asked.at
    from audience.sent
    inner join asked on sent.batch_id = asked.batch_id
    where
        sent.batch_id = any(array(select whole.batch_id from whole))
        and not exists (
            select from named
            where named.batch_id = sent.batch_id and named.batch_row = sent.batch_row
        )
),

taken as (
    select
        assignment.experiment_id,
        accepted.person_id,
        min(accepted.at) as first_exposed_at
    from accepted
    inner join experiment.assignment on accepted.person_id = assignment.person_id
    where
        assignment.arm = 'treatment'
        and assignment.experiment_id = any(
            (
                select exclusion_state.experiments
                from audience.exclusion_state
                where exclusion_state.audience_id = %(audience_id)s
            )::bigint[]
        )
    group by assignment.experiment_id, accepted.person_id
),

noted as (
    insert into experiment.exposure (experiment_id, person_id, first_exposed_at)
    select
        taken.experiment_id,
        taken.person_id,
        taken.first_exposed_at
    from taken
    on conflict (experiment_id, person_id) do nothing
)

update audience.exclusion_state
set batch_id = newest.batch_id
from (select max(asked.batch_id) as batch_id from asked) as newest
where exclusion_state.audience_id = %(audience_id)s and newest.batch_id is not null
