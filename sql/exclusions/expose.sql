-- The first time that a platform took a person who is treated, by the requests since the last look. The audience is
-- locked and its delivery over, so that every request that counts has its answer.
with

asked as (
    select max(batch.batch_id) as batch_id
    from audience.batch
    inner join audience.exclusion_state on batch.audience_id = exclusion_state.audience_id
    where
        batch.audience_id = %(audience_id)s
        and batch.batch_id > exclusion_state.batch_id
        and cardinality(exclusion_state.experiments) > 0
),

taken as (
    select
        assignment.experiment_id,
        delivery.person_id,
        min(delivery.at) as first_exposed_at
    from audience.exclusion_state
    inner join audience.batch
        on exclusion_state.audience_id = batch.audience_id and exclusion_state.batch_id < batch.batch_id
    inner join audience.delivery on batch.batch_id = delivery.batch_id
    inner join experiment.assignment
        on
            delivery.person_id = assignment.person_id
            and assignment.experiment_id = any(exclusion_state.experiments)
    where
        exclusion_state.audience_id = %(audience_id)s
        and delivery.operation = 'add'
        and delivery.outcome in ('accepted', 'confirmed')
        and assignment.arm = 'treatment'
    group by assignment.experiment_id, delivery.person_id
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
set batch_id = asked.batch_id
from asked
where exclusion_state.audience_id = %(audience_id)s and asked.batch_id is not null
