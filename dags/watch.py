"""
### Notice what is stuck, slow, silent or has stopped to come

Every ten minutes: a step of any DAG (extract, build, sync) that takes three times as long as it used to, or a DAG whose
steps have not ended well for longer than they used to, is told once, with a recovery; a sync that has given no sign of
life for an hour (or three times its usual time) is ended, so that its audience is free for the next try, which repairs
what was left. A stream that has landed nothing new for longer than it uses to is told, whether or not its DAG runs.
Then notices that time alone makes due go out: recoveries that have lasted, reminders, what a channel did not take.
At last a monitor outside is pinged (connection `heartbeat_default`), which raises the alarm when pings stop.

**If it fails:** the warehouse does not answer, most likely; clear the task. Nothing depends on it.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from activation.clock import clock
from activation.defaults import DEFAULT_ARGS
from activation.operators.watch_steps import WatchStepsOperator
from activation.operators.watch_streams import WatchStreamsOperator


@dag(
    schedule=clock("*/10 * * * *"),
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    max_active_runs=1,
    is_paused_upon_creation=False,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["watch"],
)
def watch():
    WatchStepsOperator(task_id="watch")
    WatchStreamsOperator(task_id="watch_streams")


watch()
