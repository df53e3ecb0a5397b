"""Steps (tasks of any DAG: extracts, builds, syncs) that take far longer than they use to, or have stopped to come.

Limits come from each step's own history in ``ops.task_run``. A slow step is a state of the task itself, under the same
subject as its failure: whoever is told that it is slow need not be told again that its time limit ended it. What does
not come any more is one subject a DAG, with what may explain it among its causes.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import psycopg

from include import alerts, warehouse
from include.ledger.watch import NOBODY, State

RUNS = "runs of "
WATCHER = {"watcher_dag": "watch", "watcher_task": "watch"}  # whose own gaps tell when nobody watched
# DAGs that skip while a check of sources has failed.
SKIPPED_BEHIND_CHECKS = ("build_persons", "follow_shopify_orders", "follow_woocommerce_orders")
NAMED = 5  # late tasks of a DAG that a text names


def slow_steps(conn: psycopg.Connection, *, at: datetime) -> list[State]:
    """Steps of which a try is at work far longer than it used to be; and those that were told so and are over.

    A step that ends well tells its recovery itself; one that was skipped or taken out is told as over here.
    """
    found = {
        f"{row['dag_id']}.{row['task_id']}": State(
            f"{row['dag_id']}.{row['task_id']}",
            True,
            row["owner"] or NOBODY,
            f"at work for {_spoken(row['seconds'])}; it used to take {_spoken(row['usual_seconds'])}",
            (f"time of {row['dag_id']}.{row['task_id']}",),
        )
        for row in warehouse.rows(conn, "ops/slow_tasks", {"at": at})
        if row["slow"]
    }
    over = [subject for subject in alerts.told_slow(conn) if subject not in found]
    return [*found.values(), *(State(subject, False, NOBODY, "is no longer at work") for subject in over)]


def stale_steps(conn: psycopg.Connection, *, at: datetime) -> list[State]:
    """The state of every DAG with a rhythm: failing while a step of it has not ended well for longer than it used to.

    A DAG that is gone from its history (nothing for thirty days, taken out) is told as over.
    """
    rows = warehouse.rows(conn, "ops/stale_tasks", {"at": at, **WATCHER})
    failing = alerts.still_failing(conn, "")
    found = [_runs(dag, list(steps), failing) for dag, steps in groupby(rows, key=lambda row: str(row["dag_id"]))]
    known = {state.subject for state in found}
    gone = [subject for subject in failing if subject.startswith(RUNS) and subject not in known]
    return found + [State(subject, False, NOBODY, "is no longer watched: it has no history left") for subject in gone]


def _runs(dag: str, steps: Sequence[Mapping[str, Any]], failing: Iterable[str]) -> State:
    late = sorted((step for step in steps if step["stale"]), key=lambda step: (step["last_end"], step["task_id"]))
    owner = (late or steps)[0]["owner"] or NOBODY
    if not late:
        return State(f"{RUNS}{dag}", False, owner, "its steps end well again")
    names = ", ".join(step["task_id"] for step in late[:NAMED])
    more = f" and {len(late) - NAMED} more" if len(late) > NAMED else ""
    text = (
        f"{names}{more}: not ended well since {late[0]['last_end']:%Y-%m-%d %H:%M} UTC; used to every "
        f"{_spoken(late[0]['usual_seconds'])}. Is the DAG paused, or what it waits for?"
    )
    return State(f"{RUNS}{dag}", True, owner, text, tuple(one for one in failing if _explains(one, dag)))


def _explains(subject: str, dag: str) -> bool:
    """Whether a failing subject is why steps of this DAG do not end well."""
    if subject.startswith(f"{dag}."):
        return True
    check = subject.startswith("cross check ") or (subject.startswith("extract_") and ".check_" in subject)
    return check and dag in SKIPPED_BEHIND_CHECKS


def _spoken(seconds: int) -> str:
    """``90 s``, ``12 min``, ``25 h``: as exact as somebody needs who is woken by it."""
    if seconds < 120:
        return f"{seconds} s"
    span = timedelta(seconds=seconds)
    return f"{span // timedelta(minutes=1)} min" if seconds < 7_200 else f"{round(span / timedelta(hours=1))} h"
