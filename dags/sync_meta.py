"""
### Keep Meta's Custom Audiences equal to their segments

Each audience named in a segment's front matter under `meta` is a Custom Audience of the ad account. Removes who
left the segment or withdrew (by the hashes that were sent), adds who entered and agreed to ads.

**If it fails:** clear the task; the ledger (`audience.member`) knows what Meta acknowledged and only the rest is
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
    schedule=sweep_or("30 6 * * *", assets.SEGMENTS | assets.APPROVALS["meta"]),
    params={"as_of": AS_OF},
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["sync", "meta"],
)
def sync_meta():
    sync = SyncDestinationOperator(
        task_id="sync", destination="meta", pool="meta_api", outlets=[assets.AUDIENCES["meta"]]
    )
    sync >> ShowPartialOperator(task_id="show_partial", sync_task_id="sync")


sync_meta()
