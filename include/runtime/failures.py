"""Why a DAG run failed, told without a single value of a row.

Our own errors carry no personal data, so their text is shown. The text of any other exception may quote a row (a
database names the value that broke a constraint), so only its class and place are shown, with the log file.
"""

import inspect
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from include import errors

OWN = {name for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.AudienceflowError)}
FRAMES = 3  # innermost calls shown


@dataclass(frozen=True)
class Failure:
    """A task that failed.

    :param log: of its last try, None when it never wrote one.
    :param lines: what may be told of the error, innermost last.
    """

    dag_id: str
    task_id: str
    log: Path | None
    lines: tuple[str, ...]

    def __str__(self) -> str:
        told = "".join(f"\n    {line}" for line in self.lines)
        return f"{self.dag_id}, task {self.task_id}{told}\n    log: {self.log or 'none was written'}"


def find(logs: Path, task: dict[str, Any]) -> Failure:
    """What became of a failed task instance.

    :param logs: Airflow's base log folder.
    :param task: a task instance of Airflow's REST interface.
    """
    folder = logs / f"dag_id={task['dag_id']}" / f"run_id={task['dag_run_id']}" / f"task_id={task['task_id']}"
    if task.get("map_index", -1) >= 0:
        folder /= f"map_index={task['map_index']}"
    tries = sorted(folder.glob("attempt=*.log"), key=lambda path: int(path.stem.partition("=")[2]))
    log = tries[-1] if tries else None
    return Failure(task["dag_id"], task["task_id"], log, tuple(_told(log)) if log else ())


def _told(log: Path) -> Iterator[str]:
    """The last exception in a task's log: one JSON object a line, exceptions under ``error_detail``."""
    found: list[dict[str, Any]] = []
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        detail = _error_detail(line)
        found = detail or found
    for error in found[:1]:  # the outermost exception comes first; causes follow
        for frame in error.get("frames", [])[-FRAMES:]:
            yield f"{Path(frame['filename']).name}:{frame['lineno']} in {frame['name']}"
        kind = error.get("exc_type", "an error")
        yield f"{kind}: {error.get('exc_value', '')}" if kind in OWN else f"{kind} (its text is only in the log)"


def _error_detail(line: str) -> list[dict[str, Any]]:
    try:
        entry = json.loads(line)
    except ValueError:
        return []
    return entry.get("error_detail") or [] if isinstance(entry, dict) else []
