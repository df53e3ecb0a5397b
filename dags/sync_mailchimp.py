"""
### Keep Mailchimp's tags equal to their segments

Each audience named in a segment's front matter under `mailchimp` is a tag on the list. Removes who left the segment
or withdrew, adds who entered and agreed to e-mail, updates changed fields. Never subscribes anybody who left the
list.

**If it fails:** clear the task; the ledger (`audience.member`) knows what Mailchimp acknowledged and only the rest is
sent. A pink *everybody is delivered* means people were rejected or removals wait for approval: `bin/audienceflow
holds list` shows what waits.
"""

from airflow.sdk import dag

from activation import assets
from activation.build import AS_OF
from activation.clock import sweep_or
from activation.defaults import DEFAULT_ARGS
from activation.operators.sync_destination import ShowPartialOperator, SyncDestinationOperator


@dag(
    schedule=sweep_or("30 6 * * *", assets.SEGMENTS | assets.APPROVALS["mailchimp"]),
    params={"as_of": AS_OF},
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["sync", "mailchimp"],
)
def sync_mailchimp():
    sync = SyncDestinationOperator(
        task_id="sync", destination="mailchimp", pool="mailchimp_api", outlets=[assets.AUDIENCES["mailchimp"]]
    )
    sync >> ShowPartialOperator(task_id="show_partial", sync_task_id="sync")


sync_mailchimp()
