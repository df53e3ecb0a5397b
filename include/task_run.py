"""The record of each try of a task in ops.task_run: how long, how it ended, how much memory, which counts."""

import resource
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Literal

from psycopg.types.json import Jsonb

from include import warehouse

Outcome = Literal["success", "partial", "skipped", "failed"]


@dataclass(frozen=True)
class TaskKey:
    """One try of one task, by Airflow's names."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    try_number: int


@dataclass
class Record:
    """What the work tells while it goes on; written when it ends."""

    outcome: Outcome = "success"
    counts: Mapping[str, object] = field(default_factory=dict)


def peak_mb() -> float:
    """The most memory this process has held so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)


@contextmanager
def recorded(url: str, key: TaskKey, owner: str | None = None) -> Iterator[Record]:
    """Write the begin now and the end however the block ends; on a connection of its own.

    A process that is killed leaves a row without an end.

    A block that raises was ``failed``, unless it put ``skipped`` on the record before.

    :param owner: who is told when the task is slow or does not come any more.
    """
    record = Record()
    with warehouse.connect(url, autocommit=True) as conn:
        warehouse.run(conn, "ops/begin_task_run", {**asdict(key), "owner": owner})
    try:
        yield record
    except BaseException:
        if record.outcome != "skipped":
            record.outcome = "failed"
        raise
    finally:
        with warehouse.connect(url, autocommit=True) as conn:
            end = {"outcome": record.outcome, "peak_mb": peak_mb(), "counts": Jsonb(dict(record.counts))}
            warehouse.run(conn, "ops/end_task_run", asdict(key) | end)
