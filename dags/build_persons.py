"""
### Stitch records into persons, then refresh profiles, consent and traits

Runs when every stream has come since it last ran, and at six in the morning with what has come: a source whose DAG is
paused or red holds no other back, and its owner is told. Whatever comes later in the day is taken along by
`follow_*_orders` or the next run. A failed *check* holds everything back (docs/decisions/0002). Works on what changed:
new identifiers, merges and splits, golden records, the consent each person gave, traits as of the day. Before, sources
are checked against each other (`sql/quality/cross/`): orders without customer, revenue of the last full day.

**If it fails:** clear the task; each step is one transaction and the queue `staging.changed_record` keeps what is
not done. *Skipped* means that a failed check holds a stream back, or on a first day that a first load is under way:
mend that first, or build without the stream for a day with `bin/audienceflow source set-aside <stream>`. A red
*check_sources* names the check: mend the source and clear the task, or let it pass with `bin/audienceflow checks
accept`.
"""

from airflow.sdk import dag

from activation import assets
from activation.build import AS_OF
from activation.clock import sweep_or
from activation.defaults import DEFAULT_ARGS
from activation.operators.build_persons import BuildPersonsOperator
from activation.operators.check_sources import CheckSourcesOperator


@dag(
    schedule=sweep_or("0 6 * * *", assets.NIGHT),
    params={"as_of": AS_OF},
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["build", "identity"],
)
def build_persons():
    checked = CheckSourcesOperator(task_id="check_sources", awaited=tuple(assets.STAGING))
    checked >> BuildPersonsOperator(task_id="build_persons", outlets=[assets.PERSONS])


build_persons()
