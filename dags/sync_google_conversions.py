"""
### Tell Google Ads which orders its ads may have brought

Each order of a buyer who agrees to ads at this moment goes to the conversion action that `google_default` names, once:
Google knows it by its transaction id. A return restates its value, down to 0. Orders older than 63 days are not told.

**If it fails:** clear the task; `conversion.told` knows which orders Google took and only the rest is told.
`conversion.delivery` has the reason of each order that was refused. Skipped without a connection, or when its extra
names no `conversion_action_id`.
"""

from airflow.sdk import dag

from activation import assets
from activation.clock import sweep_or
from activation.defaults import DEFAULT_ARGS
from activation.operators.sync_conversions import SyncGoogleConversionsOperator


@dag(
    schedule=sweep_or("45 6 * * *", assets.SEGMENTS),
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["sync", "google"],
)
def sync_google_conversions():
    SyncGoogleConversionsOperator(task_id="tell_orders", pool="google_api")


sync_google_conversions()
