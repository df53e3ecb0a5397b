"""The three tasks each stream has in its extract DAG."""

from airflow.sdk import Param

from activation import assets
from activation.operators.check_stream import CheckStreamOperator
from activation.operators.land_stream import LandStreamOperator
from activation.operators.publish_stream import PublishStreamOperator

SINCE = Param(None, type=["null", "string"], format="date-time", description="Read again from here; empty: the cursor")


def stream_tasks(stream: str, *, pool: str) -> None:
    """Declare land → check → publish for one stream; the publication emits the stream's asset.

    :param pool: Airflow pool that all calls to this API share.
    """
    table = stream.partition(".")[2]
    land = LandStreamOperator(
        task_id=f"land_{table}",
        stream=stream,
        since="{{ params.since or '' }}",
        pool=pool,
    )
    check = CheckStreamOperator(task_id=f"check_{table}", stream=stream)
    publish = PublishStreamOperator(task_id=f"publish_{table}", stream=stream, outlets=[assets.STAGING[stream]])
    land >> check >> publish
