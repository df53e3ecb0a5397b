"""
### Tell a webhook who is in which audience

Each audience named in a segment's front matter under `webhook` is told to the URL of the connection `webhook_default`,
as signed batches: who came in, whose fields changed, who left. What the receiver has to do is in docs/webhook.md.

**If it fails:** clear the task; the ledger (`audience.member`) knows what the receiver acknowledged and only the rest
is sent. A pink *everybody is delivered* means people were rejected or removals wait for approval: `bin/audienceflow
holds list` shows what waits.
"""

from airflow.sdk import dag

from activation import assets
from activation.build import AS_OF
from activation.clock import sweep_or
from activation.defaults import DEFAULT_ARGS
from activation.operators.sync_destination import ShowPartialOperator, SyncDestinationOperator


@dag(
    schedule=sweep_or("30 6 * * *", assets.SEGMENTS | assets.APPROVALS["webhook"]),
    params={"as_of": AS_OF},
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["sync", "webhook"],
)
def sync_webhook():
    sync = SyncDestinationOperator(
        task_id="sync", destination="webhook", pool="webhook_api", outlets=[assets.AUDIENCES["webhook"]]
    )
    sync >> ShowPartialOperator(task_id="show_partial", sync_task_id="sync")


sync_webhook()
