-- The number of one version of an experiment; a version that is new is written down.
with

made as (
    insert into experiment.experiment (experiment, version, salt, share, started_at)
    values (%(experiment)s, %(version)s, %(salt)s, %(share)s, %(at)s)
    on conflict (experiment, version) do nothing
    returning experiment_id
)

select made.experiment_id
from made
union all
select experiment.experiment_id
from experiment.experiment
where experiment.experiment = %(experiment)s and experiment.version = %(version)s
