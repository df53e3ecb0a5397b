"""
### Keep Klaviyo's lists equal to their segments

Each audience named in a segment's front matter under `klaviyo` is a list. Removes who left the segment or withdrew,
imports who entered and agreed to e-mail, and waits until Klaviyo has worked the imports off. Subscribes and
unsubscribes nobody; who is suppressed at Klaviyo is refused.

**If it fails:** clear the task; the ledger (`audience.member`) knows what Klaviyo acknowledged and only the rest is
sent. A pink *everybody is delivered* means people were rejected, removals wait for approval or imports are still at
work: `bin/audienceflow holds list` shows what waits.
"""

from airflow.sdk import dag

from activation import assets
from activation.build import AS_OF
from activation.clock import sweep_or
from activation.defaults import DEFAULT_ARGS
from activation.operators.sync_destination import ShowPartialOperator, SyncDestinationOperator


@dag(
    schedule=sweep_or("30 6 * * *", assets.SEGMENTS | assets.APPROVALS["klaviyo"]),
    params={"as_of": AS_OF},
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["sync", "klaviyo"],
)
def sync_klaviyo():
    sync = SyncDestinationOperator(
        task_id="sync", destination="klaviyo", pool="klaviyo_api", outlets=[assets.AUDIENCES["klaviyo"]]
    )
    sync >> ShowPartialOperator(task_id="show_partial", sync_task_id="sync")


sync_klaviyo()
