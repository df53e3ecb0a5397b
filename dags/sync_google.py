"""
### Keep Google's user lists equal to their segments

Each audience named in a segment's front matter under `google` is a user list of the Google Ads account. Removes who
left the segment or withdrew (by the hashes that were sent), adds who entered and agreed to ads, each with that consent.
Google works a request off within a day; until then its people count as accepted, and the next run asks again.

**If it fails:** clear the task; the ledger (`audience.member`) knows what Google acknowledged and only the rest is
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
    schedule=sweep_or("30 6 * * *", assets.SEGMENTS | assets.APPROVALS["google"]),
    params={"as_of": AS_OF},
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["sync", "google"],
)
def sync_google():
    sync = SyncDestinationOperator(
        task_id="sync", destination="google", pool="google_api", outlets=[assets.AUDIENCES["google"]]
    )
    sync >> ShowPartialOperator(task_id="show_partial", sync_task_id="sync")


sync_google()
