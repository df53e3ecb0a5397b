"""
### Keep Brevo's lists equal to their segments

Each audience named in a segment's front matter under `brevo` is a list in one folder of the account. Takes off who left
the segment or withdrew, imports who entered and agreed to e-mail, updates changed names. Nobody is taken off the
blacklist, and nobody is put back on a list they left: they are rejected, with that reason.

**If it fails:** clear the task; the ledger (`audience.member`) knows what Brevo acknowledged and only the rest is
sent. An import that Brevo has not worked off yet is asked about by the next run. A pink *everybody is delivered*
means people were rejected or removals wait for approval: `bin/audienceflow holds list` shows what waits.
"""

from airflow.sdk import dag

from activation import assets
from activation.build import AS_OF
from activation.clock import sweep_or
from activation.defaults import DEFAULT_ARGS
from activation.operators.sync_destination import ShowPartialOperator, SyncDestinationOperator


@dag(
    schedule=sweep_or("30 6 * * *", assets.SEGMENTS | assets.APPROVALS["brevo"]),
    params={"as_of": AS_OF},
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["sync", "brevo"],
)
def sync_brevo():
    sync = SyncDestinationOperator(
        task_id="sync", destination="brevo", pool="brevo_api", outlets=[assets.AUDIENCES["brevo"]]
    )
    sync >> ShowPartialOperator(task_id="show_partial", sync_task_id="sync")


sync_brevo()
