"""Steps (tasks of any DAG: extracts, builds, syncs) that take far longer than they use to, or have stopped to come.

Limits come from each step's own history in ``ops.task_run``. One subject each, told once, with a recovery.
"""

from datetime import datetime, timedelta

import psycopg

from include import alerts, warehouse
from include.ledger.watch import NOBODY, State

SLOW, STALE = "time of ", "freshness of "
WATCHER = {"watcher_dag": "watch", "watcher_task": "watch"}  # whose own gaps tell when nobody watched


def slow_steps(conn: psycopg.Connection, *, at: datetime) -> list[State]:
    """The state of every step with a history: failing while a try of it takes far longer than it did so far."""
    return [
        State(
            f"{SLOW}{row['dag_id']}.{row['task_id']}",
            row["slow"],
            row["owner"] or NOBODY,
            f"at work for {_spoken(row['seconds'])}; it used to take {_spoken(row['usual_seconds'])}"
            if row["slow"]
            else f"back to what it used to take ({_spoken(row['usual_seconds'])})",
        )
        for row in warehouse.rows(conn, "ops/slow_tasks", {"at": at})
    ]


def stale_steps(conn: psycopg.Connection, *, at: datetime) -> list[State]:
    """The state of every step with a rhythm: failing while it has not ended well for longer than it used to.

    A step that is gone from its history (nothing for thirty days, a task that was taken out) is told as over.
    """
    found = [
        State(
            f"{STALE}{row['dag_id']}.{row['task_id']}",
            row["stale"],
            row["owner"] or NOBODY,
            f"has not ended well since {row['last_end']:%Y-%m-%d %H:%M} UTC; it used to every "
            f"{_spoken(row['usual_seconds'])}. Is its DAG paused, or what it waits for?"
            if row["stale"]
            else "ends well again",
        )
        for row in warehouse.rows(conn, "ops/stale_tasks", {"at": at, **WATCHER})
    ]
    known = {state.subject for state in found}
    gone = [subject for subject in alerts.still_failing(conn, STALE) if subject not in known]
    return found + [State(subject, False, NOBODY, "is no longer watched: it has no history left") for subject in gone]


def _spoken(seconds: int) -> str:
    """``90 s``, ``12 min``, ``25 h``: as exact as somebody needs who is woken by it."""
    if seconds < 120:
        return f"{seconds} s"
    span = timedelta(seconds=seconds)
    return f"{span // timedelta(minutes=1)} min" if seconds < 7_200 else f"{round(span / timedelta(hours=1))} h"
