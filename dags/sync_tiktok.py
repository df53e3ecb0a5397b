"""
### Keep TikTok's custom audiences equal to their segments

Each audience named in a segment's front matter under `tiktok` is a customer file audience of the advertiser. Removes
who left the segment or withdrew (by the hashes that were sent), adds who entered and agreed to ads. TikTok works one
file of an audience off at a time and may take a day or two; what it does not take yet is left to the next run.

**If it fails:** clear the task; the ledger (`audience.member`) knows what TikTok acknowledged and only the rest is
sent. A pink *everybody is delivered* means people were rejected, an audience has fewer than TikTok's 1,000 entries,
or removals wait for approval: `bin/audienceflow holds list` shows what waits.
"""

from airflow.sdk import dag

from activation import assets
from activation.build import AS_OF
from activation.clock import sweep_or
from activation.defaults import DEFAULT_ARGS
from activation.operators.sync_destination import ShowPartialOperator, SyncDestinationOperator


@dag(
    schedule=sweep_or("30 6 * * *", assets.SEGMENTS | assets.APPROVALS["tiktok"]),
    params={"as_of": AS_OF},
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["sync", "tiktok"],
)
def sync_tiktok():
    sync = SyncDestinationOperator(
        task_id="sync", destination="tiktok", pool="tiktok_api", outlets=[assets.AUDIENCES["tiktok"]]
    )
    sync >> ShowPartialOperator(task_id="show_partial", sync_task_id="sync")


sync_tiktok()
