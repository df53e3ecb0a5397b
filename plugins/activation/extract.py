"""The tasks each stream has in its extract DAG, and in one that follows it through the day."""

from collections.abc import Sequence

from airflow.sdk import Asset, Param

from activation import assets
from activation.operators.build_persons import BuildPersonsOperator
from activation.operators.check_stream import CheckStreamOperator
from activation.operators.land_stream import LandStreamOperator
from activation.operators.publish_stream import PublishStreamOperator

SINCE = Param(None, type=["null", "string"], format="date-time", description="Read again from here; empty: the cursor")


def stream_tasks(stream: str, *, pool: str, outlets: Sequence[Asset] | None = None) -> PublishStreamOperator:
    """Declare land → check → publish for one stream; returns the last.

    :param pool: Airflow pool that all calls to this API share.
    :param outlets: what the publication emits; None: the stream's asset, and the night's chain waits for it.
    """
    told = [assets.STAGING[stream]] if outlets is None else list(outlets)
    awaited = tuple(assets.STAGING) if outlets is None else ()
    table = stream.partition(".")[2]
    land = LandStreamOperator(
        task_id=f"land_{table}",
        stream=stream,
        since="{{ params.since or '' }}",
        pool=pool,
    )
    check = CheckStreamOperator(task_id=f"check_{table}", stream=stream)
    publish = PublishStreamOperator(task_id=f"publish_{table}", stream=stream, outlets=told, awaited=awaited)
    land >> check >> publish
    return publish


def follow_tasks(stream: str, *, pool: str) -> None:
    """Declare land → check → publish for one stream, and persons behind it when something changed.

    :param pool: Airflow pool that all calls to this API share.
    """
    published = stream_tasks(stream, pool=pool, outlets=())
    published >> BuildPersonsOperator(task_id="build_persons", only_if_changed=True, outlets=[assets.PERSONS])
