"""
### Keep HubSpot's lists equal to their segments

Each audience named in a segment's front matter under `hubspot` is a manual list of contacts. Removes who left the
segment or withdrew, adds who entered and agreed to e-mail. Who is no contact yet is made one; contacts that exist are
only put on the list, and lifecycle stage, marketing status and consent are never written.

**If it fails:** clear the task; the ledger (`audience.member`) knows what HubSpot acknowledged and only the rest is
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
    schedule=sweep_or("30 6 * * *", assets.SEGMENTS | assets.APPROVALS["hubspot"]),
    params={"as_of": AS_OF},
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["sync", "hubspot"],
)
def sync_hubspot():
    sync = SyncDestinationOperator(
        task_id="sync", destination="hubspot", pool="hubspot_api", outlets=[assets.AUDIENCES["hubspot"]]
    )
    sync >> ShowPartialOperator(task_id="show_partial", sync_task_id="sync")


sync_hubspot()
