"""
### Check the credentials of every destination

Asks each platform, every morning before the syncs, whether the credentials still open the account, which scopes they
have, what the limits are and when they end. Nothing is changed there. The result stands in `ops.destination_check`;
`bin/audienceflow destinations check` shows it.

**If it fails:** the red task names the platform and says what is missing. Put new credentials into its connection, or
give the scope, and clear the task. The syncs of the others run as ever.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from activation import assets
from activation.clock import clock
from activation.defaults import DEFAULT_ARGS
from activation.operators.check_destination import CheckDestinationOperator


@dag(
    schedule=clock("30 4 * * *"),  # two hours before the syncs
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    max_active_runs=1,
    is_paused_upon_creation=False,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["check", "sync"],
)
def check_destinations():
    for destination in sorted(assets.AUDIENCES):
        CheckDestinationOperator(task_id=f"check_{destination}", destination=destination)


check_destinations()
