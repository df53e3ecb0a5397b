"""
### Check the credentials of every source and destination

Asks each platform, before the nightly run, whether the credentials still open the account, which scopes they have, when
they end, what the limits are and how much of them is left. Nothing is changed there. The result stands in
`ops.connection_check`; `bin/audienceflow connections check` shows it.

**If it fails:** the red task names the platform and says what is missing. Put new credentials into its connection, or
give the scope, and clear the task. Extracts and syncs of the others run as ever.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from activation import assets
from activation.clock import clock
from activation.defaults import DEFAULT_ARGS
from activation.operators.check_connection import CheckConnectionOperator


@dag(
    schedule=clock("0 1 * * *"),  # two hours before the extracts, five before the syncs
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    max_active_runs=1,
    is_paused_upon_creation=False,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["check", "extract", "sync"],
)
def check_connections():
    for source in sorted({stream.partition(".")[0] for stream in (*assets.STAGING, *assets.REPORTS)}):
        CheckConnectionOperator(task_id=f"check_source_{source}", platform=source, role="source")
    for destination in sorted(assets.AUDIENCES):
        CheckConnectionOperator(task_id=f"check_destination_{destination}", platform=destination, role="destination")


check_connections()
